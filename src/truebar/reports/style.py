"""The look of the pages: light, one column, fonts of the reader's own system, fit for paper."""

from typing import Final

CSS: Final = """
:root { --ink: #1a2330; --soft: #5a6675; --line: #d8dee6; --faint: #f5f7f9; --good: #17694a; --bad: #9c3325;
  --open: #86640f; --accent: #1f4e79; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: #fff; color: var(--ink); line-height: 1.55; font-size: 15px;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 980px; margin: 0 auto; padding: 40px 32px 56px; }
header { border-bottom: 1px solid var(--line); padding-bottom: 18px; margin-bottom: 24px; }
.brand { color: var(--soft); font-size: 13px; letter-spacing: .04em; margin: 0 0 6px; }
h1 { font-size: 26px; line-height: 1.25; font-weight: 600; margin: 0; letter-spacing: -.01em;
  overflow-wrap: anywhere; }
h2 { font-size: 18px; line-height: 1.3; font-weight: 600; margin: 40px 0 10px; }
h3 { font-size: 15px; font-weight: 600; margin: 22px 0 6px; }
p { margin: 0 0 10px; }
p.text { max-width: 74ch; }
a { color: var(--accent); }
.subtitle { color: var(--soft); margin: 6px 0 0; overflow-wrap: anywhere; }
.tag { display: inline-block; margin-left: 10px; padding: 1px 9px; border: 1px solid var(--open);
  border-radius: 3px; color: var(--open); font-size: 13px; font-weight: 600; vertical-align: middle;
  white-space: nowrap; letter-spacing: 0; }
.verdict { border: 1px solid var(--line); border-left: 5px solid var(--soft); background: var(--faint);
  padding: 20px 24px 12px; }
.verdict.edge { border-left-color: var(--good); }
.verdict p { max-width: 84ch; }
.verdict .word { font-size: 28px; line-height: 1.2; font-weight: 650; margin: 0 0 10px;
  letter-spacing: -.01em; }
.verdict.edge .word { color: var(--good); }
.warning { border-left: 5px solid var(--open); background: #fbf6e9; padding: 10px 16px; margin: 0 0 18px; }
.figures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 1px; background: var(--line);
  border: 1px solid var(--line); margin: 20px 0 0; }
.figures div { background: #fff; padding: 12px 16px; }
.figures dt { color: var(--soft); font-size: 13px; }
.figures dd { margin: 0; font-size: 21px; font-weight: 600; font-variant-numeric: tabular-nums;
  line-height: 1.35; }
.figures dd span { display: block; font-size: 12.5px; font-weight: 400; color: var(--soft); margin: 0; }
.scroll { overflow-x: auto; margin: 8px 0 14px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 13px; vertical-align: bottom;
  border-bottom: 1.5px solid var(--ink); padding: 6px 14px 6px 0; }
td { border-bottom: 1px solid var(--line); padding: 8px 14px 8px 0; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
th.number, td.number { text-align: right; }
td.number { white-space: nowrap; }
td.number + td:not(.number), th.number + th:not(.number) { padding-left: 18px; }
.label { display: block; min-width: 11em; }
.note { display: block; color: var(--soft); font-size: 12.5px; line-height: 1.4; max-width: 44ch; }
.reason { display: block; color: var(--soft); font-size: 12.5px; line-height: 1.35; white-space: normal;
  min-width: 9em; max-width: 24em; margin-left: auto; }
.unbroken { white-space: nowrap; }
.muted { color: var(--soft); }
.held { color: var(--good); font-weight: 600; }
.failed { color: var(--bad); font-weight: 600; }
.open { color: var(--open); font-weight: 600; white-space: nowrap; }
.whisker { display: inline-block; width: 120px; height: 16px; vertical-align: middle; }
.whisker .skill { stroke: var(--soft); stroke-dasharray: 2 2; }
.whisker .span { stroke: var(--accent); stroke-width: 2; }
.whisker .dot { fill: var(--accent); }
.verdict ul { margin: 0 0 10px; }
.verdict .before-list { margin-bottom: 2px; }
.verdict .reason { display: inline; margin-left: 4px; }
nav { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 20px 0 0; font-size: 13px; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
.drawn { position: relative; min-width: 0; }
.chart { width: 100%; min-width: 0; overflow: hidden; margin: 6px 0 10px; }
.synthetic .drawn { padding-bottom: 16px; }
.synthetic .drawn::after { content: "SYNTHETIC"; position: absolute; bottom: 4px; right: 10px; line-height: 1;
  color: var(--open); font-size: 11.5px; font-weight: 600; letter-spacing: .02em; pointer-events: none; }
.beside { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 4px 24px; }
.beside.three { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 4px 16px; }
.beside section, .beside div { min-width: 0; }
.beside h3 { margin-bottom: 0; }
dl.facts { margin: 8px 0 14px; }
dl.facts div { display: grid; grid-template-columns: 15em 1fr; gap: 16px; padding: 6px 0;
  border-bottom: 1px solid var(--line); }
dl.facts dt { color: var(--soft); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
dl.facts .reason { margin-left: 0; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 12.5px;
  overflow-wrap: anywhere; }
ul { margin: 4px 0 12px; padding-left: 20px; }
footer { border-top: 1px solid var(--line); margin-top: 44px; padding-top: 14px; color: var(--soft);
  font-size: 13px; }
@media (max-width: 640px) {
  main { padding: 24px 16px 40px; }
  h1 { font-size: 22px; }
  .tag { display: table; margin: 8px 0 0; }
  .verdict { padding: 16px 16px 8px; }
  .verdict .word { font-size: 24px; }
  .figures { grid-template-columns: repeat(2, 1fr); }
  .beside, .beside.three { grid-template-columns: minmax(0, 1fr); }
  dl.facts div { grid-template-columns: 1fr; gap: 0; }
  table { font-size: 13px; }
  th { font-size: 12px; padding-right: 8px; }
  td { padding-right: 8px; }
  td.number { white-space: normal; }
  td.number + td:not(.number), th.number + th:not(.number) { padding-left: 4px; }
  .label, .reason { min-width: 0; }
  .open { white-space: normal; }
  .drawing { display: none; }
  .wide table { min-width: 600px; }
}
@media print {
  @page { margin: 15mm 13mm; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  nav { display: none; }
  .drawn, .beside, .verdict, .figures, tr, dl.facts div { break-inside: avoid; }
  h2, h3, section > p.text { break-after: avoid; }
  .scroll { overflow: visible; }
}
"""
