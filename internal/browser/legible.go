package browser

import "testing"

// NotSideways asks that whoever reads the page need not scroll sideways.
func (b *Tab) NotSideways(t *testing.T, who string) {
	t.Helper()
	if over := Eval[int](t, b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
		t.Errorf("%s: it scrolls sideways, by %d px", who, over)
	}
}

// Legible asks that the page need not be scrolled sideways, and that no text of it
// is too faint.
func (b *Tab) Legible(t *testing.T, who string) {
	t.Helper()
	b.NotSideways(t, who)
	if faint := Eval[[]string](t, b, contrastScript); len(faint) > 0 {
		t.Errorf("%s: too faint to read: %q", who, faint)
	}
}

// contrastScript returns the texts whose contrast with what is behind them is less
// than 4.5 to 1, by the formula of WCAG 2.2.
//
// https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
const contrastScript = `(() => {
	document.querySelectorAll("details").forEach((d) => (d.open = true));
	const parse = (c) => { const n = c.match(/[\d.]+/g).map(Number); return { rgb: n.slice(0, 3), a: n.length > 3 ? n[3] : 1 }; };
	const light = (rgb) => {
		const [r, g, b] = rgb.map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			if (c.a === 1) return c.rgb;
		}
		return null; // nothing was painted: it cannot be told
	};
	const faint = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	let seen = 0;
	for (let n = walker.nextNode(); n; n = walker.nextNode()) {
		const e = n.parentElement, style = getComputedStyle(e);
		if (!n.data.trim() || !e.getClientRects().length || ["SCRIPT", "STYLE"].includes(e.tagName)) continue;
		seen++;
		const ground = behind(e);
		if (!ground) { faint.push("on nothing: " + n.data.trim().slice(0, 40)); continue; }
		const a = light(parse(e instanceof SVGElement ? style.fill : style.color).rgb), b = light(ground);
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) faint.push(ratio.toFixed(2) + ": " + n.data.trim().slice(0, 40));
	}
	return seen < 30 ? ["only " + seen + " texts were found"] : faint;
})()`
