"""A cluster's worker does not train; what several devices learn is held by `distribute_test`."""

import json

import pytest

from host.cli import run
from host.errors import BadInput
from model_gen.training.devices import check_alone


def _told(**cluster: list[str]) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}})}


@pytest.mark.parametrize("cluster", [{"worker": ["a:1", "b:1"]}, {"chief": ["a"], "worker": ["b"]}])
def test_one_of_several_workers_is_refused_by_name(cluster: dict[str, list[str]]) -> None:
    with pytest.raises(BadInput, match="MultiWorkerMirroredStrategy does not train") as caught:
        check_alone(_told(**cluster))
    assert "2 workers" in caught.value.evidence
    assert "unset TF_CONFIG" in caught.value.next_step


@pytest.mark.parametrize(
    "environment",
    [
        {},
        _told(),
        _told(worker=["a:1"]),
        _told(chief=["a:1"], ps=["b:1", "c:1"]),
        *({"TF_CONFIG": text} for text in ("", "no JSON", "[]", "{}", '{"cluster": 5}')),
    ],
)
def test_a_worker_without_others_trains(environment: dict[str, str]) -> None:
    check_alone(environment)


def test_the_command_trains_on_no_cluster(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TF_CONFIG", _told(worker=["a:1", "b:1"])["TF_CONFIG"])
    assert run(["train", "--data-path-train", "nowhere"]) == 2
    assert "MultiWorkerMirroredStrategy does not train here" in capsys.readouterr().err
