// SPDX-License-Identifier: Apache-2.0
// How a list looks; on top of what is in style.js.
import { sheetOf } from './dom.js';

export const sheet = sheetOf(`
:host{--b-muted:var(--belfry-muted,light-dark(#566173,#a7b1c0));--b-info:var(--belfry-info,var(--b-muted));
--b-critical:var(--belfry-critical,light-dark(#7a0019,#ff7f9a));
--b-warning:var(--belfry-warning,light-dark(#8a5a00,#f0c060));
--b-success:var(--belfry-success,light-dark(#1b6e3c,#7fd09f))}
ul{list-style:none;margin:0;padding:0;overflow:auto;overscroll-behavior:contain}
li{border-block:1px solid var(--b-line);margin-block-end:-1px;padding:8px 12px;overflow-wrap:anywhere}
li>div{display:flex;flex-wrap:wrap;gap:4px 8px;align-items:center;justify-content:end;color:var(--b-muted);font-size:.875em}
li a{color:inherit;text-decoration:none;display:block;padding-block:4px}
a:hover{text-decoration:underline}
.new a{font-weight:700}
.new a:before{content:"";display:inline-block;inline-size:9px;block-size:9px;border-radius:9px;margin-inline-end:8px;
background:var(--b-unread);forced-color-adjust:none}
i{font-style:normal;font-weight:600}
.info{color:var(--b-info)}.success{color:var(--b-success)}
.warning{color:var(--b-warning)}.error{color:var(--b-error)}.critical{color:var(--b-critical)}
i:before{content:"";display:inline-block;inline-size:.8em;block-size:.8em;background:currentColor;margin-inline-end:4px;
forced-color-adjust:none;clip-path:circle()}
.warning:before{clip-path:polygon(50% 0,0 100%,100% 100%)}
.error:before{clip-path:polygon(0 20%,20% 0,50% 30%,80% 0,100% 20%,70% 50%,100% 80%,80% 100%,50% 70%,20% 100%,0 80%,30% 50%)}
.critical:before{clip-path:polygon(30% 0,70% 0,100% 30%,100% 70%,70% 100%,30% 100%,0 70%,0 30%)}
.success:before{clip-path:polygon(0 55%,15% 40%,38% 63%,85% 10%,100% 25%,38% 95%)}
li button,p button,.bar button{font:inherit;font-size:.875rem;color:var(--b-accent);background:none;cursor:pointer;
border:1px solid var(--b-line);border-radius:6px;min-block-size:28px;padding:2px 10px}
time{margin-inline-end:auto}
time:has(+button+button){flex:1 0 45%}
`);
