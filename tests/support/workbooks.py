"""XLSX files made by hand, also such as no spreadsheet program would write."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Final

_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_HIDDEN: Final = ' state="hidden"'
_STYLES: Final = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    "</styleSheet>"
)


def workbook(
    *sheets: str,
    hidden: Sequence[int] = (),
    shared: str | None = None,
    entries: Mapping[str, bytes] | None = None,
) -> bytes:
    """A workbook. In its cells, style 1 shows a number as a date.

    `sheets`: the XML of each one's rows; `hidden`: numbers of sheets, from 0 on; `shared`: the XML of the texts that
    cells share; `entries`: further ones of the archive.
    """
    numbers = range(1, len(sheets) + 1)
    relations = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    )
    relations += f'<Relationship Id="rId98" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    relations += f'<Relationship Id="rId99" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    named = "".join(
        f'<sheet name="Sheet {number}" sheetId="{number}" r:id="rId{number}"'
        f"{_HIDDEN if number - 1 in hidden else ''}/>"
        for number in numbers
    )
    held = {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{relations}'
        "</Relationships>",
        "xl/styles.xml": _STYLES,
        "xl/sharedStrings.xml": shared or f'{_XML}<sst xmlns="{_MAIN}"/>',
    }
    for number, rows in zip(numbers, sheets, strict=True):
        held[f"xl/worksheets/sheet{number}.xml"] = (
            f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'
        )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**held, **(entries or {})}.items():
            archive.writestr(name, content)
    return packed.getvalue()


def row(number: int, *cells: str, first: str = "A") -> str:
    """The XML of a row: each cell is a text, or XML that begins with `<c` and has no reference yet."""
    filled = []
    for place, cell in enumerate(cells, start=ord(first)):
        reference = f'<c r="{chr(place)}{number}"'
        is_xml = cell.startswith("<c")
        filled.append(
            reference + cell[2:] if is_xml else f'{reference} t="inlineStr"><is><t>{cell}</t></is></c>'
        )
    return f'<row r="{number}">{"".join(filled)}</row>'
