"""Reading a venue's list from CSV, as tills and Excel write it. Nothing in it is trusted: errors
name the row.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from services.rewards.settlement.reports import MOST_LINES, ListLine
from shared.core.problems import Unprocessable

MOST_ERRORS = 100
COLUMNS = {
    "reference": "reference",
    "流水号": "reference",
    "voucher_id": "voucher_id",
    "券编号": "voucher_id",
    "redeemed_on": "redeemed_on",
    "核销日期": "redeemed_on",
    "amount_fen": "amount_fen",
    "金额（分）": "amount_fen",
}
"""What a header may say, and the field it means."""
ENCODINGS = ("utf-8-sig", "gb18030")  # the second is what Excel writes in China; it includes GBK


class UnreadableList(Unprocessable):
    """This list cannot be read; nothing was taken in."""


def read_csv(raw: bytes) -> list[ListLine]:
    """The lines of a CSV file with a header row; all or none. Raises UnreadableList, naming rows;
    the header is 1.
    """
    rows = _rows(_text(raw))
    columns = _columns(next(rows, (1, []))[1])
    lines: list[ListLine] = []
    errors: list[dict[str, Any]] = []
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(lines) == MOST_LINES:
            raise UnreadableList(f"More than {MOST_LINES} lines.")
        try:
            lines.append(_line(columns, cells))
        except ValidationError as error:
            errors += [
                _error(number, str(e["loc"][0]) if e["loc"] else None, e["msg"])
                for e in error.errors(include_input=False, include_url=False)
            ]
        except ValueError as error:
            errors.append(_error(number, None, str(error)))
        if len(errors) >= MOST_ERRORS:
            break
    if errors:
        raise _unreadable(errors[:MOST_ERRORS])
    return lines


def _text(raw: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise UnreadableList("The file is neither UTF-8 nor GB 18030 text.")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of the line on which it ends."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise _unreadable([_error(reader.line_num, None, f"not CSV: {error}")]) from None


def _columns(header: Sequence[str]) -> list[str]:
    names = [name.strip() for name in header]
    unknown = [name for name in names if name.lower() not in COLUMNS]
    if unknown or not names:
        raise _unreadable([_error(1, None, f"unknown columns; known: {', '.join(COLUMNS)}")])
    columns = [COLUMNS[name.lower()] for name in names]
    if len(set(columns)) < len(columns) or "reference" not in columns:
        raise _unreadable([_error(1, None, "each column once, and one of them is the reference")])
    return columns


def _line(columns: list[str], cells: list[str]) -> ListLine:
    if len(cells) != len(columns):
        raise ValueError(f"{len(cells)} cells under {len(columns)} columns")
    said: dict[str, Any] = {
        name: cell.strip() for name, cell in zip(columns, cells, strict=True) if cell.strip()
    }
    amount = said.get("amount_fen")
    if amount is not None:
        if not (amount.isascii() and amount.isdigit() and len(amount) < 12):
            raise ValueError("amount_fen: should be a whole number of fen")
        said["amount_fen"] = int(amount)
    return ListLine.model_validate(said)


def _error(row: int, column: str | None, detail: str) -> dict[str, Any]:
    return {"pointer": f"/{row}/{column}" if column else f"/{row}", "row": row, "detail": detail}


def _unreadable(errors: list[dict[str, Any]]) -> UnreadableList:
    first = errors[0]
    return UnreadableList(f"Row {first['row']}: {first['detail']}", errors=errors)
