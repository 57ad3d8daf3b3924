"""Reading a venue's report from CSV, without a database."""

import pytest

from services.rewards.settlement.csv_import import UnreadableList, read_csv


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        (b"reference\nA\n", ["A"]),
        (b"\xef\xbb\xbfreference,amount_fen\r\nA,3500\r\n", ["A"]),
        ("流水号,核销日期\n票-1,2026-10-03\n".encode("gbk"), ["票-1"]),
        ("流水号，".encode("gbk")[:6] + b"\n\x31\n", ["1"]),
        (
            b'Reference,voucher_id\n"A",\n\n , \n B ,00000000-0000-0000-0000-000000000001\n',
            ["A", "B"],
        ),
        (b"reference\n", []),
    ],
)
def test_csv_is_read_as_tills_and_excel_write_it(raw: bytes, lines: list[str]) -> None:
    assert [line.reference for line in read_csv(raw)] == lines


@pytest.mark.parametrize(
    ("raw", "row"),
    [
        (b"", 1),
        (b"A\nB\n", 1),
        (b"reference,reference\nA,A\n", 1),
        (b"amount_fen\n1\n", 1),
        (b"reference,=cmd|'/C calc'!A0\nA,1\n", 1),
        (b'reference\nA\n="1"\n', 3),
        (b"reference\n@SUM(A1)\n", 2),
        (b"reference\n+1\n", 2),
        (b"reference\nA\nB,1\n", 3),
        (b"reference,amount_fen\nA,1\nB,x\n", 3),
        ("reference,amount_fen\nA,３５\n".encode(), 2),
        (b"reference,amount_fen\nA,1e3\n", 2),
        (b"reference,amount_fen\nA," + b"9" * 5000 + b"\n", 2),
        (b"reference,redeemed_on\nA,2026-13-01\n", 2),
        (b"reference,redeemed_on\nA,1790000000\n", 2),
        (b"reference,voucher_id\nA,zzz\n", 2),
        (b'reference\n"A\n', 2),
        (b'reference\n"A"B\n', 2),
        (b"reference\n" + b"A" * 200_000 + b"\n", 2),
        (b"reference\nA\x1b[31m\n", 2),
    ],
)
def test_a_bad_csv_names_the_row(raw: bytes, row: int) -> None:
    with pytest.raises(UnreadableList) as refused:
        read_csv(raw)
    assert refused.value.more["errors"][0]["row"] == row


@pytest.mark.parametrize(
    "raw", [b"reference\n\xff\xff\xff\n", b"reference\nA\x00B\n", "reference\nA\n".encode("utf-16")]
)
def test_a_file_that_is_not_text_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadableList):
        read_csv(raw)


def test_errors_are_counted_up_to_a_hundred() -> None:
    with pytest.raises(UnreadableList) as refused:
        read_csv(b"reference\n" + b"=\n" * 5_000)
    assert len(refused.value.more["errors"]) == 100
