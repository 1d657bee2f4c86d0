"""Parquet and CSV manifests: rows to the same JSON objects that a JSONL manifest has.

Columns are the fields of `SourceRecord`. Nested fields (`conditions`, `caption`, `caption_parts`,
`qa`) may be nested columns (Parquet) or JSON text; `caption_<part>` columns hold a caption's parts
one by one; a column `<kind>` or `<kind>:<role>` holds paths separated by `|`, in frame order. An
empty cell is a field that is left out. Row numbers that writers of tables add (a first column
without a name that counts) are left out. A column that is none of these is refused by name.
"""

import csv
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from any2caption.captions.schema import PARTS
from any2caption.datasets.ingest.source_records import MAX_LINE_BYTES, Problem, is_row_number
from any2caption.datasets.records import SourceRecord
from any2caption.errors import InputError

_NESTED = ("conditions", "caption", "caption_parts", "qa")
_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no"}
_BATCH = 1_024
_MAX_ROW_GROUP = 2 << 30  # bytes, decoded
_PARTS = {f"caption_{part}": part for part in PARTS}


def read_csv(
    path: Path, name: str, kinds: Mapping[str, bool]
) -> Iterator[tuple[int, dict[str, Any] | Problem]]:
    """Yield (line, record or problem); `kinds` says which kinds join their files to one condition.

    UTF-8 with or without BOM, any line ends, RFC 4180 quotes.

    Raises:
        InputError: an unknown or repeated column, broken quotes, another encoding.
    """
    csv.field_size_limit(MAX_LINE_BYTES)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        rows = csv.reader(file, strict=True)
        try:
            header = [cell.strip() for cell in next(rows, [])]
            check_columns(header, kinds, name)
            for row in rows:
                if any(cell.strip() for cell in row):
                    yield rows.line_num, _csv_row(header, row, kinds)
        except csv.Error as error:
            raise InputError(
                f"no CSV: {error}", file=name, record=f"line {rows.line_num}"
            ) from None


def read_parquet(
    path: Path, name: str, kinds: Mapping[str, bool]
) -> Iterator[tuple[int, dict[str, Any] | Problem]]:
    """Yield (row from 1, record or problem), a thousand rows in memory at a time.

    Raises:
        InputError: no Parquet file, an unknown column, a row group of more than 2 GiB.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            check_columns(file.schema_arrow.names, kinds, name)
            for group in range(file.num_row_groups):
                if file.metadata.row_group(group).total_byte_size > _MAX_ROW_GROUP:
                    raise InputError("more than 2 GiB in one row group", file=name)
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield number, from_columns(row, kinds)
    except (pa.ArrowException, OSError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise InputError(f"no readable Parquet file: {first}", file=name) from None


def table_notes(path: Path, form: str) -> tuple[str, ...]:
    """Say which columns are row numbers and left out; `form` is `csv` or `parquet`."""
    if form == "csv":
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            try:
                names = [cell.strip() for cell in next(csv.reader(file), [])]
            except csv.Error:
                return ()  # said when it is read
    else:
        import pyarrow.parquet as pq

        names = pq.read_schema(path).names
    left = [name or "(no name)" for name in names if is_row_number(name)]
    return tuple(f"the column {name} holds row numbers or nothing: it is left out" for name in left)


def count_parquet(path: Path, name: str) -> int:
    """Return the number of rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise InputError(f"no readable Parquet file: {first}", file=name) from None


def check_columns(names: Sequence[str], kinds: Collection[str], file: str) -> None:
    """Refuse a header with a column that is unknown or there twice."""
    fields = list(SourceRecord.model_fields)
    for column in names:
        if is_row_number(column):
            continue
        if list(names).count(column) > 1:
            raise InputError("the column is there twice", file=file, field=column or "(no name)")
        if column in fields or column in _PARTS or column.partition(":")[0] in kinds:
            continue
        known = ", ".join([*fields, "caption_<part>", "<kind>", "<kind>:<role>"])
        raise InputError(f"unknown column; known: {known}", file=file, field=column or "(no name)")


def from_columns(row: Mapping[str, Any], kinds: Mapping[str, bool]) -> dict[str, Any] | Problem:
    """Turn a row into a record's JSON object; what cannot be one is a Problem. Pure."""
    document: dict[str, Any] = {}
    parts: dict[str, Any] = {}
    extra: list[dict[str, Any]] = []
    for column, value in row.items():
        if value is None or value == "" or is_row_number(column):
            continue
        if column in _PARTS:
            parts[_PARTS[column]] = value
        elif column in SourceRecord.model_fields:
            try:
                document[column] = _nested(value) if column in _NESTED else value
            except ValueError as error:
                return Problem(f"no JSON: {error}", column)
        else:
            kind, _, role = column.partition(":")
            extra += _conditions(kind, role, value, joins=kinds[kind])
    if parts and "caption" in document:
        return Problem("the caption is there twice, whole and in parts", "caption")
    if parts:
        document["caption"] = parts
    if extra:
        document["conditions"] = [*(document.get("conditions") or []), *extra]
    return document


def _csv_row(
    header: Sequence[str], row: Sequence[str], kinds: Mapping[str, bool]
) -> dict[str, Any] | Problem:
    if len(row) != len(header):
        return Problem(f"{len(row)} fields, the header has {len(header)}")
    if any(not cell.isascii() and _has_surrogate(cell) for cell in row):
        return Problem("not UTF-8")
    for at, (name, cell) in enumerate(zip(header, row, strict=True)):
        counts = not cell.strip() or (at == 0 and cell.strip().isdigit())
        if is_row_number(name) and not counts:
            said = f"{cell[:40]!r} is not a row number: name the column, or leave it out"
            return Problem(said, name or "(no name)")
    cells: dict[str, Any] = {
        name: cell for name, cell in zip(header, row, strict=True) if not is_row_number(name)
    }
    synthetic = str(cells.get("synthetic", "")).strip().lower()
    if synthetic in _TRUE | _FALSE:
        cells["synthetic"] = synthetic in _TRUE
    return from_columns(cells, kinds)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _nested(value: Any) -> Any:
    """Read JSON text; drop what a Parquet struct holds only because another row has it."""
    if isinstance(value, str):
        return json.loads(value)
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_options(item) for item in value]
    return value


def _options(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    kept = {key: value for key, value in item.items() if value is not None}
    options = kept.get("options")
    if isinstance(options, str):
        kept["options"] = json.loads(options)
    elif isinstance(options, list):  # an Arrow map
        kept["options"] = dict(options)
    elif isinstance(options, dict):
        kept["options"] = {key: value for key, value in options.items() if value is not None}
    return kept


def _conditions(kind: str, role: str, value: Any, *, joins: bool) -> list[dict[str, Any]]:
    paths = [str(item) for item in value] if isinstance(value, list) else str(value).split("|")
    paths = [path.strip() for path in paths]
    groups = [paths] if joins else [[path] for path in paths]
    return [{"kind": kind, "paths": group, **({"role": role} if role else {})} for group in groups]
