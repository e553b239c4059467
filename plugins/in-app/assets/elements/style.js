// SPDX-License-Identifier: Apache-2.0
// How the elements look. A constructed sheet needs no 'unsafe-inline' of a page's policy. What a page says about
// everything (`* {all: unset !important}`) meets `!important` here, which wins inside a host; and what is inherited
// from it ends at `all: initial`. Colours follow the page's color-scheme.
export const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host{display:block!important;z-index:var(--belfry-z);
--b-fg:var(--belfry-fg,light-dark(#1b2430,#e7ebf1));--b-bg:var(--belfry-bg,light-dark(#fff,#151a21));
--b-muted:var(--belfry-muted,light-dark(#566173,#a7b1c0));--b-line:var(--belfry-border,light-dark(#d5dbe3,#37414f));
--b-accent:var(--belfry-accent,light-dark(#1f4e8c,#8ab8f2));--b-info:var(--belfry-info,var(--b-muted));
--b-error:var(--belfry-error,light-dark(#a32020,#ff9a8f));--b-critical:var(--belfry-critical,light-dark(#7a0019,#ff7f9a));
--b-warning:var(--belfry-warning,light-dark(#8a5a00,#f0c060));
--b-success:var(--belfry-success,light-dark(#1b6e3c,#7fd09f));--b-unread:var(--belfry-unread,var(--b-error))}
:host([theme=light]){color-scheme:light!important}
:host([theme=dark]){color-scheme:dark!important}
:host([hidden]),[hidden]{display:none!important}
:host(belfry-bell){display:inline-block!important;inline-size:44px!important;block-size:44px!important;
vertical-align:middle;color-scheme:inherit}
.box,#button{all:initial;box-sizing:border-box;color-scheme:inherit;visibility:inherit;color:var(--b-fg);
font:1em/1.4 sans-serif;font-family:var(--belfry-font,inherit);font-size:var(--belfry-size,inherit)}
.box{display:flex;flex-direction:column;background:var(--b-bg);border:1px solid var(--b-line);
border-radius:var(--belfry-radius,8px);overflow:hidden}
#button{position:relative;display:grid;place-items:center;inline-size:100%;block-size:100%;color:inherit;cursor:pointer;
border-radius:var(--belfry-radius,8px);anchor-name:--b}
svg{inline-size:24px;block-size:24px;fill:currentColor}
b{position:absolute;inset-block-start:2px;inset-inline-end:0;min-inline-size:18px;padding-inline:4px;text-align:center;
font:700 12px/18px sans-serif;border-radius:9px;background:var(--b-unread);color:var(--b-bg);box-sizing:border-box}
:focus-visible{outline:2px solid var(--belfry-focus,var(--b-accent))!important;outline-offset:-2px!important}
#panel{position:fixed;inset:auto;margin:4px 0;inline-size:min(var(--belfry-width,24rem),100vw - 16px);
max-block-size:min(var(--belfry-max-height,32rem),80vh);box-shadow:0 4px 24px #0004;position-anchor:--b;
position-area:end span-start;position-try-fallbacks:flip-block}
#panel:not(:popover-open){display:none}
:host([placement=bottom-start]) #panel{position-area:end span-end}
:host([placement=top-start]) #panel{position-area:start span-end}
:host([placement=top-end]) #panel{position-area:start span-start}
.bar,p{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center;justify-content:space-between;
padding:8px 12px;margin:0}
h2{font-size:1.1em;margin:0}
ul{list-style:none;margin:0;padding:0;overflow:auto;overscroll-behavior:contain}
li{border-block:1px solid var(--b-line);margin-block-end:-1px;padding:8px 12px;overflow-wrap:anywhere}
li>div{display:flex;flex-wrap:wrap;gap:4px 8px;align-items:center;color:var(--b-muted);font-size:.875em}
a{color:var(--b-accent)}
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
.box>a{display:block;padding:12px 16px;color:inherit;text-decoration:none}
strong{font-size:1.8em;margin-inline-end:.3em}
.quiet{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
`);
