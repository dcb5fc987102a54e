"""Coverage for people: lines for a terminal, rows for a page."""

from collections.abc import Mapping
from dataclasses import dataclass

from host.coverage.coverage import Coverage, Share


@dataclass(frozen=True)
class Row:
    """A layer of the table: index and name of its op, and how much of its code and constants."""

    index: int
    op: str
    code: str
    constants: str


def percent(share: Share) -> str:
    """ "64.0 %"; "-" of nothing. Less than all never looks like all, nor something like nothing."""
    if not share.bytes:
        return "-"
    tenths = round(1000 * share.reached / share.bytes)
    if 0 < share.reached < share.bytes:
        tenths = min(max(tenths, 1), 999)
    return f"{tenths / 10:.1f} %"


def rows_of(coverage: Coverage, ops: Mapping[int, str]) -> list[Row]:
    """A row for each layer; `ops` names them by index."""
    return [
        Row(one.index, ops.get(one.index, ""), percent(one.code), percent(one.constants))
        for one in coverage.layers
    ]


def table_of(coverage: Coverage, ops: Mapping[int, str], *, most: int = 20) -> list[str]:
    """Lines with the whole, every layer, and the `most` largest of what was not reached."""
    lines = [
        f"{name:10} {share.reached:11,} of {share.bytes:11,} bytes  {percent(share):>7}"
        for name, share in (("code", coverage.code), ("constants", coverage.constants))
    ]
    lines.append(f"by layer:{'code':>39}{'constants':>36}")
    lines += [
        f"{one.index:4} {ops.get(one.index, ''):24} {_cell(one.code)} {_cell(one.constants)}"
        for one in coverage.layers
    ]
    lacking = sum(item.bytes for item in coverage.unreached)
    lines.append(f"not reached: {lacking:,} bytes, largest first")
    lines += [
        f"{u.bytes:9,} of {u.total:9,}  {u.symbol}  {u.kind}  {u.section}  {u.place}".rstrip()
        for u in coverage.unreached[:most]
    ]
    rest = coverage.unreached[most:]
    if rest:
        lines.append(f"{sum(u.bytes for u in rest):9,} bytes of {len(rest):,} more")
    return lines


def _cell(share: Share) -> str:
    return f"{share.reached:11,} of {share.bytes:9,}  {percent(share):>7}"
