// SPDX-License-Identifier: Apache-2.0
// How the elements look. What a page says about everything (`* {all: unset !important}`) meets `!important` here,
// which wins inside a host; and what is inherited from it ends at `all: initial`. Colours follow the page's
// color-scheme.
import { sheetOf } from './dom.js';

export const sheet = sheetOf(`
:host{display:block!important;position:relative;z-index:var(--belfry-z);
--b-fg:var(--belfry-fg,light-dark(#1b2430,#e7ebf1));--b-bg:var(--belfry-bg,light-dark(#fff,#151a21));
--b-line:var(--belfry-border,light-dark(#d5dbe3,#37414f));
--b-accent:var(--belfry-accent,light-dark(#1f4e8c,#8ab8f2));
--b-error:var(--belfry-error,light-dark(#a32020,#ff9a8f));
--b-unread:var(--belfry-unread,var(--b-error))}
:host([theme=light]){color-scheme:light!important}
:host([theme=dark]){color-scheme:dark!important}
:host([hidden]),[hidden]{display:none!important}
:host(belfry-bell){display:inline-block!important;inline-size:44px!important;block-size:44px!important;
vertical-align:middle}
.box,#button{all:initial;box-sizing:border-box;color-scheme:inherit;visibility:inherit;color:var(--b-fg);
line-height:1.4;font-family:var(--belfry-font,inherit);font-size:var(--belfry-size,inherit)}
.box{display:flex;flex-direction:column;background:var(--b-bg);border:1px solid var(--b-line);
border-radius:var(--belfry-radius,8px);overflow:hidden}
#button{position:relative;display:grid;place-items:center;inline-size:100%;block-size:100%;color:inherit;cursor:pointer;
border-radius:var(--belfry-radius,8px);anchor-name:--b}
svg{inline-size:24px;block-size:24px;fill:currentColor}
b{position:absolute;inset-block-start:2px;inset-inline-end:0;min-inline-size:10px;padding-inline:4px;text-align:center;
font:700 12px/18px sans-serif;border-radius:9px;background:var(--b-unread);color:var(--b-bg)}
:focus-visible{outline:2px solid var(--belfry-focus,var(--b-accent))!important;outline-offset:-2px!important}
#panel{position:fixed;inset:auto;margin:4px 0;inline-size:min(var(--belfry-width,24rem),100vw - 16px);
max-block-size:min(var(--belfry-max-height,32rem),80vh);box-shadow:0 4px 24px #0004;position-anchor:--b;
position-area:end span-start;position-try-fallbacks:flip-block,flip-inline,flip-block flip-inline}
#panel:not(:popover-open){display:none}
:host([placement=bottom-start]) #panel{position-area:end span-end}
:host([placement=top-start]) #panel{position-area:start span-end}
:host([placement=top-end]) #panel{position-area:start span-start}
.bar,p{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center;justify-content:space-between;
padding:8px 12px;margin:0}
h2{font-size:1.1em;margin:0}
a{color:var(--b-accent)}
.quiet{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
`);
