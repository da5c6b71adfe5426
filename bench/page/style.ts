/** What a benchmark's page has beyond the look of a scenario's: plots beside each other where there is room. */
export const BENCH_STYLE = `
:root { --limit: #bcc7d2; } @media (prefers-color-scheme: dark) { :root { --limit: #46535f; } }
.facts dt { overflow-wrap: anywhere; } h3 { font-size: 15px; margin: 0 0 2px; } .chart p { font-size: 13px; color: var(--soft); margin: 0 0 8px; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr)); gap: 28px 40px; align-items: start; }
.chart { margin: 0; min-width: 0; } .chart svg { font-size: 12.5px; } .chart svg + svg { margin-top: 6px; }
svg .said { fill: var(--ink); paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
svg .unit { font-style: italic; } .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.leader { fill: none; opacity: .5; } .ring { fill: none; stroke: var(--ink); stroke-width: 1.5; }
path.void { fill: none; stroke: var(--bad); stroke-width: 2; }
.chart ul { list-style: none; margin: 4px 0 0; padding: 0; font-size: 13px; color: var(--soft); }
.chart li { padding-left: 20px; text-indent: -20px; } .chart li i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 10px; }
.command { background: var(--card); border-radius: 8px; padding: 10px 14px; margin: 14px 0 0; overflow-x: auto; }
.mark-word { white-space: nowrap; font-weight: 600; } .warn { color: var(--warn); }
td.step { white-space: nowrap; } .scroll + p { margin-top: 10px; } .facts + .scroll, .facts + p { margin-top: 10px; }
td .soft { font-size: 12px; } .none { color: var(--soft); } h4 { font-size: 13px; margin: 14px 0 2px; color: var(--soft); font-weight: 500; }
details { border-bottom: 1px solid var(--line); } details > div { padding: 0 0 18px; }
summary { display: flex; flex-wrap: wrap; gap: 0 16px; align-items: baseline; justify-content: space-between; }
summary b { color: var(--ink); } summary::before { content: "▸"; } details[open] > summary::before { content: "▾"; }
summary b { flex: 1; min-width: 12em; } summary::-webkit-details-marker { display: none; }
.scroll table { width: auto; min-width: min(100%, 420px); } .figures table { width: 100%; } th { white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
@media (max-width: 480px) { main { padding: 20px 16px 60px; } h1 { font-size: 24px; } 
  .figures tr:first-child { display: none; } .figures tr { display: block; border-bottom: 1px solid var(--line); padding: 8px 0; }
  .figures tbody, .figures table { display: block; min-width: 0; } .figures td { display: block; border: 0; padding: 1px 0; }
  .figures td[data-title]::before { content: attr(data-title) ": "; color: var(--soft); } }
@media print { body { font-size: 12px; } main { padding: 0; } .chart, .facts div, details { break-inside: avoid; }
  .charts { grid-template-columns: 1fr 1fr; gap: 18px 24px; } .scroll { overflow: visible; }
  details::details-content { content-visibility: visible; display: block; height: auto; } summary::before { content: ""; }
  .chart p, .chart ul { font-size: 10.5px; } .figures .scroll table { font-size: 12px; }
  .scroll table { min-width: 0; } .scroll table, .scroll th { font-size: 9.5px; } .scroll td, .scroll th { padding: 3px 6px 3px 0; } }
`;
