"""The interpreter loaded alone is TensorFlow's, and does not get into TensorFlow's way."""

import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tflite

from host.errors import BadInput
from host.installed import ROOT
from host.reference.interpreter import Array, Interpreter, package
from host.reference.model import ReferenceModel
from model_gen.codegen.testing import fuzz_models, keras_models
from model_gen.codegen.testing.models import builder, edited, single
from model_gen.codegen.testing.single_ops import SINGLE_OPS

# Not that one: its SOFTMAX aborts the process while it is prepared, whoever loads it.
SHARED = sorted(
    path for path in (ROOT / "../shared/data").glob("*/*.tflite") if path.stem != "mnv2_alpha01"
)
# The schema's names of types; what CAST makes of each float is TFLite's word.
FLOATS_AND_SMALL = (
    "FLOAT32",
    "FLOAT16",
    "FLOAT64",
    "INT8",
    "UINT8",
    "INT16",
    "UINT16",
    "INT32",
    "UINT32",
)
TYPES = (*FLOATS_AND_SMALL, "INT64", "UINT64", "BOOL", "COMPLEX64", "STRING")


def theirs(content: bytes) -> Any:
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(
            model_content=content,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
            num_threads=1,
        )
    interpreter.allocate_tensors()
    return interpreter


def inputs_of(ports: list[Any], seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [
        rng.standard_normal(port.shape).astype(port.dtype)
        if port.dtype.kind in "fc"
        else rng.integers(0, 256, port.shape).astype(np.uint8).astype(port.dtype)
        for port in ports
    ]


def cast(to: str) -> bytes:
    """float32 [3, 5] -> CAST to one of TYPES."""
    tensor = builder().Tensor((3, 5), dtype="float32")

    def retype(model: Any, schema: Any) -> None:
        model.subgraphs[0].tensors[1].type = getattr(schema.TensorType, to)

    return edited(single("CAST", [tensor], tensor, {"CastOptions": {}}), retype)


def check_same(content: bytes) -> None:
    """Refused in the same words, or ports, ops and every tensor, constants too, are the same."""
    refused = outcome_of(theirs, content)
    if refused != "taken":
        assert outcome_of(Interpreter, content) == refused
        return
    ours, want = Interpreter(content), theirs(content)
    assert ours.loaded == "interpreter"
    for mine, details in (
        (ours.inputs, want.get_input_details()),
        (ours.outputs, want.get_output_details()),
    ):
        assert [(t.tensor, t.name, t.shape, t.dtype, (t.scale, t.zero_point)) for t in mine] == [
            (d["index"], d["name"], tuple(d["shape"]), np.dtype(d["dtype"]), d["quantization"])
            for d in details
        ]
    assert ours.ops() == [
        (op["index"], op["op_name"], tuple(op["inputs"]), tuple(op["outputs"]))
        for op in want._get_ops_details()
    ]
    # Not the kernels' own scratch, which comes behind the file's tensors and is never cleared.
    tensors = tflite.Model.GetRootAs(content, 0).Subgraphs(0).TensorsLength()
    for seed in range(3):
        for port, value in zip(ours.inputs, inputs_of(ours.inputs, seed), strict=True):
            ours.set_input(port.tensor, value)
            want.set_tensor(port.tensor, value)
        ended = outcome_of(lambda _: want.invoke())
        assert outcome_of(lambda _: ours.invoke()) == ended
        if ended != "taken":
            return
        for index in range(tensors):
            assert outcome(ours.value, index) == outcome(want.get_tensor, index)


def outcome(ask: Callable[[Any], Any], given: Any) -> object:
    """A tensor's type, shape and bytes, or its refusal."""
    try:
        value = ask(given)
    except (ValueError, RuntimeError) as error:
        return type(error), str(error)
    return value.dtype, value.shape, value.tobytes()


@pytest.mark.parametrize("make", fuzz_models.MODELS, ids=lambda make: make.__name__)
def test_models_of_several_ops_give_the_same_tensors(make: Callable[[], bytes]) -> None:
    check_same(make())


@pytest.mark.parametrize("name", SINGLE_OPS)
def test_each_op_gives_the_same_tensors(name: str) -> None:
    check_same(SINGLE_OPS[name]())


@pytest.mark.parametrize("name", keras_models.NAMES)
def test_converted_models_give_the_same_tensors(name: str) -> None:
    check_same(keras_models.quantized(name))


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.stem)
def test_public_models_give_the_same_tensors(path: Path) -> None:
    check_same(path.read_bytes())


@pytest.mark.parametrize("to", TYPES)
def test_every_type_is_the_same(to: str) -> None:
    check_same(cast(to))


def test_a_resized_model_is_seen_as_the_interpreter_sees_it() -> None:
    """The file's own shape of an open batch is not always the one that is allocated."""

    def opened(model: Any, _: Any) -> None:
        model.subgraphs[0].tensors[0].shapeSignature = np.array([-1, 5], np.int32)

    tensor = builder().Tensor((3, 5), 0.5)
    check_same(edited(single("RELU", [tensor], tensor), opened))


def test_damaged_models_end_the_same_way_in_both() -> None:
    """Refused in the same words, taken, or, as with a few, ending the process: so in children."""
    code = """
    import collections, os
    from host.reference import interpreter_test as here
    from host.reference.interpreter import Interpreter
    from model_gen.codegen.fuzz import damaged

    def ending(make, content):
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.write(writer, repr(here.outcome_of(make, content)).encode()[:4000])
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read().decode()
        status = os.waitpid(child, 0)[1]
        return said if status == 0 else f"status {status}"

    makers = [make() for make in here.fuzz_models.MODELS]
    contents = [damaged(makers, 21, index) for index in range(50)]
    contents += [makers[0][:length] for length in range(97, len(makers[0]), 397)]
    here.theirs(makers[0]), Interpreter(makers[0])
    kinds = collections.Counter()
    for content in contents:
        want, got = ending(here.theirs, content), ending(Interpreter, content)
        assert got == want or "UnicodeDecodeError" in got, (want, got)
        kinds[want.partition(",")[0]] += 1
    print(sum(kinds.values()), kinds["'taken'"] > 2, kinds["(<class 'ValueError'>"] > 25)
    """
    assert run(code).endswith(" True True")


def test_what_tflite_refuses_is_bad_input() -> None:
    content = fuzz_models.convolutions()
    for damage in (b"", b"not a model", content[:50], content[:-200]):
        with pytest.raises(BadInput, match="does not accept"):
            ReferenceModel(damage)


def test_a_name_that_is_no_text_is_bad_input() -> None:
    content = fuzz_models.broadcast()
    assert content.count(b"t0") == 1
    with pytest.raises(BadInput, match="does not accept"):
        ReferenceModel(content.replace(b"t0", b"\xff0"))


def outcome_of(do: Callable[[bytes], Any], content: bytes = b"") -> object:
    try:
        do(content)
    except (ValueError, RuntimeError) as error:
        return type(error), str(error)
    return "taken"


def run(code: str, *arguments: str) -> str:
    """What a Python process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip().splitlines()[-1]  # the converter talks


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("interpreter") / "model.tflite"
    path.write_bytes(fuzz_models.convolutions())
    return str(path)


PRELUDE = """
import sys, zlib
from pathlib import Path
import numpy as np
from host.reference.model import ReferenceModel
content = Path(sys.argv[1]).read_bytes()

def crc(judge):
    given = [np.full(t.shape, 7, t.dtype) for t in judge.inputs]
    return [zlib.crc32(v.tobytes()) for _, v in sorted(judge.run(given).items())]

def with_tensorflow():
    from model_gen.runtime import tensorflow
    tf = tensorflow()
    i = tf.lite.Interpreter(model_content=content, experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF)
    i.allocate_tensors()
    for d in i.get_input_details():
        i.set_tensor(d["index"], np.full(d["shape"], 7, d["dtype"]))
    i.invoke()
    kept = sorted({int(o) for op in i._get_ops_details() for o in op["outputs"]})
    return [zlib.crc32(i.get_tensor(k).tobytes()) for k in kept]
"""
TRAIN = """
def trains():
    import tensorflow as tf
    tf.random.set_seed(1)
    net = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(2)])
    net.compile("sgd", "mse")
    net.fit(np.ones((8, 4), np.float32), np.ones((8, 2), np.float32), verbose=0)
    converter = tf.lite.TFLiteConverter.from_keras_model(net)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([np.ones((1, 4), np.float32) * k] for k in range(4))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return ReferenceModel(bytes(converter.convert()))
"""


def test_the_judge_imports_nothing_of_tensorflow_but_its_extension(model: str) -> None:
    code = """
    crc(ReferenceModel(content))
    print(sorted(name for name in sys.modules if name.partition(".")[0] in ("tensorflow", "keras")))
    """
    names = run(PRELUDE + textwrap.dedent(code), model)
    assert names == "['tensorflow.lite.python._pywrap_tensorflow_interpreter_wrapper']"


def test_the_judge_first_and_then_training(model: str) -> None:
    code = """
    judge = ReferenceModel(content)
    first = crc(judge)
    assert "tensorflow" not in sys.modules
    theirs = with_tensorflow()
    trained = trains()
    crc(trained)
    same = first == theirs == crc(judge) == crc(ReferenceModel(content))
    print(judge.loaded, trained.loaded, same)
    """
    assert run(PRELUDE + TRAIN + textwrap.dedent(code), model) == "interpreter interpreter True"


def test_training_first_and_then_the_judge(model: str) -> None:
    code = """
    theirs = with_tensorflow()
    trained = trains()
    judge = ReferenceModel(content)
    from tensorflow.lite.python import interpreter
    from host.reference.interpreter import _extension
    assert interpreter._interpreter_wrapper is _extension()
    print(judge.loaded, trained.loaded, theirs == crc(judge))
    """
    assert run(PRELUDE + TRAIN + textwrap.dedent(code), model) == "interpreter interpreter True"


def test_both_judges_side_by_side(model: str) -> None:
    pytest.importorskip("tflite_micro")
    code = """
    from host.reference.micro import MicroModel
    one, other = ReferenceModel(content), MicroModel(content)
    alone = crc(one)
    both = crc(other)
    assert "tensorflow" not in sys.modules
    print(crc(one) == alone, crc(other) == both, len(alone) == len(both))
    """
    assert run(PRELUDE + textwrap.dedent(code), model) == "True True True"


def test_judges_in_many_threads_while_another_imports_tensorflow(model: str) -> None:
    code = """
    import threading
    import tflite  # lazily imported packages are not what is tested
    start, found = threading.Barrier(9), []
    def judge():
        start.wait()
        for _ in range(20):
            found.append(tuple(crc(ReferenceModel(content))))
    threads = [threading.Thread(target=judge) for _ in range(8)]
    for thread in threads: thread.start()
    start.wait()
    theirs = with_tensorflow()
    for thread in threads: thread.join()
    print(len(found), set(found) == {tuple(theirs)})
    """
    assert run(PRELUDE + textwrap.dedent(code), model) == "160 True"


@pytest.mark.parametrize(
    "broken",
    [
        "interpreter._KNOWN = ()",
        "interpreter._FOLDER = ('nowhere',)",
        "import importlib.util; importlib.util.module_from_spec = refuse",
    ],
    ids=["another version", "no extension", "does not load"],
)
def test_otherwise_tensorflow_is_imported_and_it_is_said(model: str, broken: str) -> None:
    code = f"""
    from host.reference import interpreter
    def refuse(spec): raise ImportError("no")
    keep = __import__("importlib.util").util.module_from_spec
    want = None
    {broken}
    """
    code = textwrap.dedent(code) + textwrap.dedent("""
    try:
        creator = interpreter._creator()
    finally:
        __import__("importlib.util").util.module_from_spec = keep
    judge = ReferenceModel(content)
    print(judge.loaded, crc(judge) == with_tensorflow(), judge.description)
    """)
    said = run(PRELUDE + code, model)
    assert said == (
        f"tensorflow True tensorflow {package().version} BUILTIN_REF"
        " (with the whole of TensorFlow, without which it does not load)"
    )


def test_the_package_is_the_one_that_tensorflow_says_it_is() -> None:
    import tensorflow as tf

    assert package().version == tf.__version__
    assert {name for name, _, _ in package().files} >= {"libpywrap_tflite_common.so"}
