"""Settlement statements as files: CSV and XLSX with every line, PDF to sign.

The libraries are imported on first use. Every text cell stays text, also if it begins with `=`: a
spreadsheet would compute `=1+1`, and the text comes from outside.
"""

import csv
import io
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from services.rewards.settlement.statement import MonthState, SettlementStatement, StatementLine
from shared.core.clock import SITE

MOST_LINES_IN_PDF = 1_000
HEADER = (
    "redeemed_at",
    "reference",
    "voucher_id",
    "title",
    "channel",
    "points",
    "amount_fen",
    "carried",
    "product_id",
    "redemption_id",
)
COLUMNS_IN_XLSX = 8
"""People read it: the last two ids are in the CSV only. Every cell costs 15 microseconds."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_STATES = {
    MonthState.OPEN: "预览 preview",
    MonthState.CLOSED: "已结算 closed",
    MonthState.CARRIED: "并入后月 carried into a later month",
}


def yuan(fen: int) -> str:
    """Write 1234567 fen as 12,345.67."""
    return f"{fen // 100:,}.{fen % 100:02}"


def as_csv(lines: Iterable[StatementLine]) -> bytes:
    """Write every line, with a header; UTF-8 with a byte order mark, which Excel needs."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEADER)
    writer.writerows([_plain(cell) for cell in _cells(line)] for line in lines)
    return out.getvalue().encode("utf-8-sig")


def _cells(line: StatementLine) -> tuple[Any, ...]:
    return (
        f"{line.redeemed_at.astimezone(SITE):%Y-%m-%d %H:%M:%S}",
        line.reference,
        str(line.voucher_id),
        line.title,
        line.channel,
        line.points,
        line.fen,
        "yes" if line.carried else "",
        str(line.product_id),
        str(line.redemption_id),
    )


def _plain(value: Any) -> Any:
    """Put an apostrophe in front of text that a spreadsheet would compute."""
    if isinstance(value, str):
        value = _UNPRINTABLE.sub("", value)
        return f"'{value}" if _is_computed(value) else value
    return value


def _is_computed(value: str) -> bool:
    """Tell whether a spreadsheet may compute this text. Some skip spaces in front."""
    return value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA)


def as_xlsx(statement: SettlementStatement, lines: Iterable[StatementLine]) -> bytes:
    """Write a sheet with the totals and one with every line.

    Cells are text or numbers, never formulas.
    """
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    totals = book.create_sheet("结算单")
    for row in _summary(statement):
        _append(totals, row)
    sheet = book.create_sheet("明细")
    _append(sheet, HEADER[:COLUMNS_IN_XLSX])
    for line in lines:
        _append(sheet, _cells(line)[:COLUMNS_IN_XLSX])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _append(sheet: Any, cells: Iterable[Any]) -> None:
    sheet.append([_text_cell(sheet, cell) if isinstance(cell, str) else cell for cell in cells])


def _text_cell(sheet: Any, value: str) -> Any:
    value = _UNPRINTABLE.sub("", value)
    if not _is_computed(value):
        return value
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type, cell.quotePrefix = "s", True
    return cell


def _summary(statement: SettlementStatement) -> Iterator[tuple[Any, ...]]:
    yield from _heads(statement)
    yield ()
    yield PRODUCT_HEADS
    for product in statement.products:
        yield (product.title, product.redemptions, product.points, yuan(product.fen))
    yield ()
    yield from _sums(statement)


PRODUCT_HEADS = ("券种 Product", "次数 Redemptions", "积分 Points", "金额（元） Amount (CNY)")


def _heads(statement: SettlementStatement) -> list[tuple[str, str]]:
    settlement = statement.settlement
    heads = [
        ("场馆 Venue", statement.venue.name),
        ("场馆编号 Venue id", str(statement.venue.id)),
        ("月份 Month", str(statement.month)),
        ("状态 State", _STATES[statement.state]),
    ]
    if settlement is not None:
        heads += [
            ("结算编号 Settlement", str(settlement.id)),
            ("结算时间 Closed at", f"{settlement.closed_at.astimezone(SITE):%Y-%m-%d %H:%M}"),
        ]
    return heads


def _sums(statement: SettlementStatement) -> list[tuple[str, str]]:
    totals = statement.totals
    return [
        ("核销次数 Redemptions", f"{totals.redemptions:,}"),
        ("其中上月转入 of them from earlier months", f"{totals.carried:,}"),
        ("积分 Points", f"{totals.points:,}"),
        ("核销金额（元） For redemptions (CNY)", yuan(totals.fen)),
        ("争议补付（元） For accepted disputes (CNY)", yuan(totals.disputes_fen)),
        ("应付合计（元） Owed in all (CNY)", yuan(totals.owed_fen)),
    ]


def as_pdf(statement: SettlementStatement, lines: Sequence[StatementLine]) -> bytes:
    """Draw totals and a block for two signatures; the lines as well, up to 1,000 of them."""
    pdf = _new_pdf()
    _heading(pdf)
    _table(pdf, _heads(statement), (45, 135), headings=False)
    pdf.ln(4)
    _table(pdf, [PRODUCT_HEADS, *_product_rows(statement)], (75, 35, 35, 35))
    pdf.ln(4)
    _table(pdf, _sums(statement), (100, 80), headings=False)
    _signatures(pdf)
    if statement.totals.redemptions > MOST_LINES_IN_PDF:
        _where_the_lines_are(pdf, statement.totals.redemptions)
    elif lines:
        pdf.add_page()
        _lines_table(pdf, lines)
    return bytes(pdf.output())


def _heading(pdf: Any) -> None:
    title = "快乐券结算单 Statement of Happy Vouchers"
    pdf.set_font(size=16)
    pdf.cell(0, 10, title, align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(size=9)
    pdf.ln(3)


def _product_rows(statement: SettlementStatement) -> list[tuple[str, ...]]:
    return [
        (product.title, f"{product.redemptions:,}", f"{product.points:,}", yuan(product.fen))
        for product in statement.products
    ]


def _where_the_lines_are(pdf: Any, count: int) -> None:
    chinese = f"共 {count:,} 条明细，见 CSV 或 XLSX。"
    english = "For the lines see the CSV or XLSX file."
    pdf.cell(0, 8, f"{chinese} {english}", new_x="LMARGIN", new_y="NEXT")


def _new_pdf() -> Any:
    from fpdf import FPDF
    from pylopdf_fonts_zh_cn import sans_path

    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it logs every table of the font

    class Paper(FPDF):
        def footer(self) -> None:
            self.set_y(-12)
            self.set_font(size=8)
            self.cell(0, 6, f"{self.page_no()} / {{nb}}", align="C")

    pdf = Paper(format="A4")
    pdf.set_margins(15, 15)
    pdf.set_auto_page_break(True, margin=18)
    pdf.add_font("sans", fname=sans_path())
    pdf.set_font("sans", size=9)
    pdf.add_page()
    return pdf


def _table(
    pdf: Any, rows: Iterable[Sequence[str]], widths: tuple[int, ...], headings: bool = True
) -> None:
    from fpdf.fonts import FontFace

    style = FontFace(emphasis=None, fill_color=(235, 235, 235))
    with pdf.table(
        col_widths=widths,
        width=sum(widths),
        first_row_as_headings=headings,
        line_height=6,
        headings_style=style,
        align="LEFT",
    ) as table:
        for row in rows:
            table.row([_UNPRINTABLE.sub("", cell) for cell in row])


def _lines_table(pdf: Any, lines: Sequence[StatementLine]) -> None:
    pdf.set_font(size=7)
    rows = [
        (
            f"{line.redeemed_at.astimezone(SITE):%m-%d %H:%M}",
            line.reference,
            line.title,
            line.channel,
            f"{line.points:,}",
            yuan(line.fen),
        )
        for line in lines
    ]
    heads = (
        "时间 Time",
        "流水号 Reference",
        "项目 Product",
        "渠道 Channel",
        "积分 Points",
        "元 CNY",
    )
    _table(pdf, [heads, *rows], (24, 56, 48, 18, 16, 18))


def _signatures(pdf: Any) -> None:
    """Draw a block where both sides sign, kept together on one page."""
    if pdf.will_page_break(45):
        pdf.add_page()
    pdf.ln(10)
    for left, right in (
        ("中心（盖章） Centre", "场馆（盖章） Venue"),
        ("签字 Signature", "签字 Signature"),
        ("日期 Date", "日期 Date"),
    ):
        pdf.cell(90, 11, f"{left}：________________")
        pdf.cell(90, 11, f"{right}：________________", new_x="LMARGIN", new_y="NEXT")
