/** The page's only style: light, dark, phone and print. Colours have a contrast of at least 4.5 (text) and 3 (marks) on their ground. */
export const STYLE = `
:root{color-scheme:light dark;
--ground:#f6f7f9;--card:#fff;--ink:#1a2130;--soft:#525c6e;--line:#d9dee7;--grid:#e9ecf1;
--now:#2158d0;--now-fill:#2158d033;--was:#6b5b3e;--was-fill:#6b5b3e1f;--band:#2158d02e;--behind:#8792a633;
--alert:#b3261e;--alert-ground:#fdecea;--warn:#8a5300;--warn-ground:#fff3dc;--ok:#1b6b3a;--ok-ground:#e6f4ea;--info:#46536a;--info-ground:#edf0f5}
@media(prefers-color-scheme:dark){:root{
--ground:#0f131a;--card:#181e28;--ink:#e7ebf2;--soft:#a9b3c4;--line:#323c4d;--grid:#242d3b;
--now:#7fa8ff;--now-fill:#7fa8ff40;--was:#d3bc8d;--was-fill:#d3bc8d26;--band:#7fa8ff38;--behind:#8b98ae40;
--alert:#ff9a91;--alert-ground:#3d1a18;--warn:#f5bf66;--warn-ground:#3a2b10;--ok:#7fd6a0;--ok-ground:#14301f;--info:#b4c0d4;--info-ground:#222b39}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
.page{max-width:75rem;margin:0 auto;padding:1.5rem 1.25rem 3rem}
h1{font-size:1.05rem;font-weight:600;color:var(--soft);margin:0}
h2{font-size:1.35rem;line-height:1.25;margin:2.75rem 0 .25rem;letter-spacing:-.01em}
h3{font-size:1rem;margin:0;overflow-wrap:anywhere}
p{margin:.25rem 0}
.lead{color:var(--soft);margin:0 0 1rem;max-width:46rem}
.meta{color:var(--soft);font-size:.9rem}
.verdict{border-radius:.9rem;padding:1.25rem 1.5rem;margin:1rem 0 1.25rem;display:grid;grid-template-columns:auto 1fr;gap:.1rem 1rem;align-items:start;border:1px solid currentColor}
.verdict .mark{font-size:2rem;line-height:1;grid-row:span 2;font-weight:700}
.verdict .word{font-weight:700;letter-spacing:.04em;text-transform:uppercase;font-size:.85rem}
.verdict .summary{color:var(--ink);font-size:1.35rem;line-height:1.35;font-weight:600;margin:0;letter-spacing:-.01em}
.alert{color:var(--alert);background:var(--alert-ground)}.warn{color:var(--warn);background:var(--warn-ground)}
.ok{color:var(--ok);background:var(--ok-ground)}.info,.unknown{color:var(--info);background:var(--info-ground)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;margin:0;padding:0}
.figure,.card{background:var(--card);border:1px solid var(--line);border-radius:.8rem;padding:.9rem 1rem;min-width:0}
.figure dt{color:var(--soft);font-size:.85rem}
.figure dd{margin:0;font-size:1.5rem;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums;line-height:1.25}
.figure dd small{display:block;font-size:.82rem;font-weight:400;color:var(--soft);letter-spacing:0}
.findings{list-style:none;margin:.5rem 0 0;padding:0;background:var(--card);border:1px solid var(--line);border-radius:.8rem;overflow:hidden}
.findings li{display:grid;grid-template-columns:6.2rem 1fr;gap:.75rem;padding:.65rem 1rem;border-top:1px solid var(--line);align-items:baseline}
.findings li:first-child{border-top:0}
.findings a{color:inherit}
.advice{margin:.5rem 0 0;padding-left:1.2rem;max-width:60rem}.advice li{margin:.3rem 0}
.chip{display:inline-block;justify-self:start;min-width:6.2rem;border-radius:1rem;padding:.05rem .6rem;font-size:.82rem;font-weight:650;white-space:nowrap;text-align:center}
.grid{display:grid;align-items:start;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));gap:1rem}
.broad{grid-template-columns:repeat(auto-fill,minmax(min(100%,27rem),1fr))}
.wide{grid-column:1/-1}
.card header .chip{min-width:0}
.whole{white-space:nowrap}
.card header{display:flex;justify-content:space-between;gap:.75rem;align-items:baseline;margin-bottom:.15rem}
.card .meta{margin:0 0 .4rem}
.card{break-inside:avoid}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.facts-table{margin:.5rem 0 .2rem;font-size:.85rem}.facts-table th,.facts-table td{padding:.16rem .5rem;border:0}.facts-table tbody th{color:var(--soft)}.facts-table th:first-child{padding-left:0}.facts-table td:last-child,.facts-table thead th:last-child{padding-right:0}
.chart{display:grid;grid-template-columns:auto 1fr;gap:.15rem .45rem;margin:.35rem 0;font-size:.75rem;color:var(--soft)}
.chart .y{display:flex;flex-direction:column;justify-content:space-between;text-align:right;font-variant-numeric:tabular-nums;line-height:1}
.chart svg{display:block;width:100%;height:8.5rem;overflow:visible}
.tall svg{height:12rem}
.low{border-top:1px solid var(--line);margin-top:.6rem;padding-top:.4rem}.low .chart svg{height:3.4rem}.low .meta{margin:0}
.chart .x{grid-column:2;position:relative;height:1.15rem}
.chart .x span{position:absolute;transform:translateX(-50%);white-space:nowrap;font-variant-numeric:tabular-nums}
.chart .x span.first{transform:none}.chart .x span.last{transform:translateX(-100%)}
svg *{vector-effect:non-scaling-stroke}
.grid-line{stroke:var(--grid);stroke-width:1}.base{stroke:var(--line);stroke-width:1}
.now-area{fill:var(--now-fill);stroke:var(--now);stroke-width:1.75;stroke-linejoin:round}
.was-area{fill:none;stroke:var(--was);stroke-width:1.75;stroke-dasharray:4 3}
.line{fill:none;stroke:var(--now);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.thin{stroke-width:1.25;stroke-dasharray:1 4}
.dots{fill:none;stroke:var(--now);stroke-width:6;stroke-linecap:round}
.hollow{fill:none;stroke:var(--card);stroke-width:3;stroke-linecap:round}
.band{fill:var(--band);stroke:none}.behind{fill:var(--behind)}.bar{fill:var(--now);opacity:.8}.was-bar{fill:var(--was);opacity:.55}
.expected{fill:none;stroke:var(--warn);stroke-width:1.75;stroke-dasharray:6 4}
.diagonal{stroke:var(--soft);stroke-width:1;stroke-dasharray:3 3}.past{fill:var(--was-fill)}
.legend{display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;font-size:.82rem;color:var(--soft);margin:.2rem 0}
.legend span{display:inline-flex;align-items:center;gap:.4rem}
.legend svg{width:1.6rem;height:.8rem;flex:none}
.bars{display:grid;grid-template-columns:minmax(3rem,max-content) 1fr max-content;gap:.3rem .6rem;font-size:.82rem;margin:.4rem 0;align-items:center}
.bars .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;max-width:9rem}
.bars .share{text-align:right;font-variant-numeric:tabular-nums;color:var(--soft)}
.bars svg{display:block;width:100%;height:1.05rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.87rem;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding:.2rem 0;font-size:.82rem}
th,td{text-align:right;padding:.3rem .6rem;border-bottom:1px solid var(--line);white-space:nowrap;vertical-align:top}
th:first-child,td:first-child{text-align:left;padding-left:0}
td.text,th.text{text-align:left;white-space:normal;min-width:9rem}
@media(max-width:32rem){.measures td{white-space:normal}}
thead th{color:var(--soft);font-weight:600}
tbody th{font-weight:500;max-width:16rem;overflow:hidden;text-overflow:ellipsis}
.matrix td{text-align:center;min-width:4rem}
details{margin-top:.35rem;font-size:.87rem}
summary{cursor:pointer;color:var(--soft);padding:.15rem 0}
summary:focus-visible,a:focus-visible,.scroll:focus-visible{outline:2px solid var(--now);outline-offset:2px;border-radius:.2rem}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;margin:1.1rem 0 0;padding:0;font-size:.92rem}
a{color:var(--now)}
footer{margin-top:3rem;border-top:1px solid var(--line);padding-top:1rem;color:var(--soft);font-size:.87rem}
footer dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.25rem 1rem;margin:.5rem 0}footer dt{font-weight:600}footer dd{margin:0}
@media(max-width:40rem){.page{padding:1rem .85rem 2rem}.verdict{padding:1rem}.verdict .summary{font-size:1.12rem}.findings li{grid-template-columns:1fr;gap:.2rem}footer dl{grid-template-columns:1fr;gap:0}footer dd{margin-bottom:.5rem}}
@media print{:root{--ground:#fff;--card:#fff;--ink:#000;--soft:#404754;--line:#c4c9d2;--grid:#e3e6ec;--now:#2158d0;--now-fill:#2158d033;--was:#6b5b3e;--band:#2158d02e;--behind:#8792a633;--alert:#b3261e;--alert-ground:#fff;--warn:#8a5300;--warn-ground:#fff;--ok:#1b6b3a;--ok-ground:#fff;--info:#46536a;--info-ground:#fff}
body{font-size:11pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}.page{max-width:none;padding:0 1px}nav,details{display:none}.scroll{overflow:visible}th,td{white-space:normal;padding:.2rem .35rem}table{font-size:.75rem}.whole{white-space:normal}td.text,th.text{min-width:0}h2{break-after:avoid}.grid{grid-template-columns:repeat(2,1fr)}}
`
  .trim()
  .replace(/\n/g, '')
