/** How the page looks: one column, system fonts, light and dark by the reader's own choice; it also prints. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5b6b7b; --line: #dde3ea; --paper: #fff; --card: #f6f8fa;
  --good: #1a7f4b; --bad: #c4314b; --warn: #b7791f; --accent: #2563a8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e9ef; --soft: #93a2b1; --line: #2c3742; --paper: #12181f;
  --card: #1a222b; --good: #4cc38a; --bad: #ff6b81; --warn: #e0a840; --accent: #6aa9ea; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 32px 20px 80px; }
h1 { font-size: 28px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 40px 0 10px; }
p { margin: 0 0 8px; } .soft { color: var(--soft); }
.verdict { display: inline-block; padding: 2px 12px; border-radius: 999px; color: #fff; font-weight: 600; background: var(--bad); }
.verdict.held { background: var(--good); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 10px; margin: 20px 0 0; padding: 0; }
.facts div { background: var(--card); border-radius: 8px; padding: 8px 12px; }
.facts dt { color: var(--soft); font-size: 12px; } .facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.finding { border-left: 4px solid var(--bad); background: var(--card); padding: 10px 14px; margin: 10px 0; border-radius: 0 8px 8px 0; }
.finding pre { margin: 6px 0 0; white-space: pre-wrap; font: 13px/1.5 ui-monospace, monospace; }
.notice { border-left: 4px solid var(--warn); background: var(--card); padding: 8px 14px; border-radius: 0 8px 8px 0; }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg text { fill: var(--soft); } .bank, .mark-text { font-size: 12px; } svg .bank { fill: var(--ink); }
.grid { stroke: var(--line); } .axis { stroke: var(--soft); } .mark { stroke: var(--ink); stroke-dasharray: 3 3; }
.final { fill: var(--accent); } .refused { fill: var(--warn); } .other { fill: var(--soft); }
.fault { fill: var(--bad); opacity: .25; } svg .on-fault { fill: var(--ink); }
circle.held { fill: var(--good); } circle.broken { fill: var(--bad); }
.ribbon { opacity: .4; } .ribbon:hover { opacity: .75; }
.key { color: var(--soft); font-size: 13px; } .key i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin: 0 4px 0 12px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; } .scroll { overflow-x: auto; }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: 12px; }
th, td { padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.time { color: var(--soft); white-space: nowrap; font-variant-numeric: tabular-nums; }
tr.say td { padding-top: 18px; font-weight: 600; border-bottom: 0; }
.good { color: var(--good); } .bad { color: var(--bad); } code { font: 12px ui-monospace, monospace; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--accent); padding: 8px 0; }
@media print { main { max-width: none; } h2 { break-after: avoid; } tr, svg { break-inside: avoid; } }
`;
