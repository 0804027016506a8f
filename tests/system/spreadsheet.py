#!/usr/bin/python3
"""Finance's files in LibreOffice: opened as a person would open them, and summed there. Needs a few hundred megabytes
of LibreOffice (`scripts/install-packages office`), so it is a test only where that is installed."""
import csv
import io
import os
import subprocess
import unittest
import xml.etree.ElementTree as xml
import zipfile

import harness
import test_money
from test_money import HOSTILE_TAG

SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
UTF8, CP932 = 76, 64            # LibreOffice's numbers for them
# Comma, double quote, encoding, from line 1, no column formats, Japanese, quoted cells are text, numbers are found.
IMPORT = "CSV:44,34,{},1,,1041,true,true"


def cells(path):
    """Rows of an .xlsx as LibreOffice wrote it: texts, and numbers as floats; formulas as '=…'."""
    with zipfile.ZipFile(path) as book:
        texts = ["".join(part.text or "" for part in item.iter(SPACE + "t"))
                 for item in xml.fromstring(book.read("xl/sharedStrings.xml")).iter(SPACE + "si")]
        sheet = xml.fromstring(book.read("xl/worksheets/sheet1.xml"))
    rows = []
    for row in sheet.iter(SPACE + "row"):
        line = {}
        for cell in row.iter(SPACE + "c"):
            column = cell.get("r").rstrip("0123456789")
            value, formula = cell.find(SPACE + "v"), cell.find(SPACE + "f")
            if formula is not None:
                line[column] = "=" + (formula.text or "")
            elif value is not None:
                line[column] = texts[int(value.text)] if cell.get("t") == "s" else float(value.text)
        rows.append(line)
    return rows


class Spreadsheet(harness.Scenario):
    past, answer = test_money.Money.past, test_money.Money.answer

    def opened(self, path, encoding):
        office = self.folder / "office"
        subprocess.run(["soffice", "--headless", f"-env:UserInstallation=file://{office}", f"--infilter={IMPORT.format(encoding)}",
                        "--convert-to", "xlsx", "--outdir", str(self.folder / "sheets"), str(path)],
                       check=True, capture_output=True, timeout=300, env={**os.environ, "HOME": str(self.folder)})
        return cells(self.folder / "sheets" / (path.stem + ".xlsx"))

    def test_libreoffice_reads_every_cell_runs_none_and_sums_to_the_same_yen(self):
        relay, month = self.past(charges=40)
        self.answer(relay, "month", "close", month)
        digits = month.replace("-", "")
        for encoding, number, heading, sum_heading in (("utf-8", UTF8, "en", "amount_yen"), ("cp932", CP932, "ja", "金額（円）")):
            out = self.folder / f"files-{encoding}"
            self.answer(relay, "month", "export", month, "--out", str(out), "--encoding", encoding, "--header", heading)
            for name in (f"all-shops-{digits}", f"daily-shop-a-{digits}", f"detail-shop-a-{digits}-01"):
                with self.subTest(file=name, encoding=encoding):
                    rows = self.opened(out / f"{name}.csv", number)
                    content = (out / f"{name}.csv").read_bytes().decode("utf-8-sig" if number == UTF8 else "cp932")
                    known = list(csv.reader(io.StringIO(content, newline="")))
                    self.assertEqual(list(rows[0].values()), known[0])
                    self.assertEqual(len(rows), len(known))
                    (column,) = [column for column, text in rows[0].items() if text == sum_heading]
                    self.assertEqual(sum(round(row[column] * 1000) for row in rows[1:]), 4000)
                    texts = [value for row in rows for value in row.values() if isinstance(value, str)]
                    self.assertFalse([text for text in texts if text.startswith("=")], "a cell runs")
                    if name.startswith("detail"):
                        self.assertIn("'" + HOSTILE_TAG, texts)
                    if name.startswith("all"):
                        self.assertIn("ショップ shop-a", texts)


if __name__ == "__main__":
    unittest.main()
