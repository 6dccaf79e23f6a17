package reports

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"

	"gonum.org/v1/plot/vg/vgsvg"

	"multihome.i2p/analysis/result"
)

// fontFamily lists faces with the metrics that the layout assumes, before the
// reader's default.
const fontFamily = `Liberation Sans, Arial, Helvetica, sans-serif`

// finishSVG turns what the drawing library wrote into an SVG that a page can
// hold: colours by class with the light ones as a fallback for programs
// without style sheets, a width that follows the page, and a title and a
// description for readers who do not see it.
func finishSVG(canvas *vgsvg.Canvas, f *result.Figure, standalone bool) ([]byte, error) {
	return wrapSVG(canvas, f.ID, f.Title, describe(f), standalone)
}

// wrapSVG is finishSVG for what is no figure.
func wrapSVG(canvas *vgsvg.Canvas, name, title, description string, standalone bool) ([]byte, error) {
	var raw bytes.Buffer
	if _, err := canvas.WriteTo(&raw); err != nil {
		return nil, err
	}
	drawing, err := innerSVG(raw.String())
	if err != nil {
		return nil, err
	}
	drawing = styleAttribute.ReplaceAllStringFunc(drawing, func(attr string) string {
		return attributes(styleAttribute.FindStringSubmatch(attr)[1])
	})

	drawing = xmlText(drawing)

	w, h := canvas.Size()
	id := "fig-" + name
	var out strings.Builder
	namespace := ""
	if standalone {
		out.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
		namespace = `xmlns="http://www.w3.org/2000/svg" `
	}
	fmt.Fprintf(&out, `<svg %sid="%s" class="mh-plot" viewBox="0 0 %.5g %.5g" width="100%%" role="img" aria-labelledby="%s-title %s-desc" font-family="%s">`+"\n",
		namespace, id, w.Points(), h.Points(), id, id, fontFamily)
	fmt.Fprintf(&out, "<title id=\"%s-title\">%s</title>\n", id, html.EscapeString(xmlText(title)))
	fmt.Fprintf(&out, "<desc id=\"%s-desc\">%s</desc>\n", id, html.EscapeString(xmlText(description)))
	if standalone {
		// The file is as large as it likes to be, but follows a smaller window.
		fmt.Fprintf(&out, "<style>\n#%s{color-scheme:light dark;max-width:%.5gpx}\n%s</style>\n", id, 1.4*w.Points(), paletteCSS("#"+id))
		fmt.Fprintf(&out, `<rect width="100%%" height="100%%" class="%s-f" fill="%s"/>`+"\n", paperRole.class, hex(paperRole.light))
	}
	out.WriteString(drawing)
	out.WriteString("</svg>\n")
	return []byte(out.String()), nil
}

var styleAttribute = regexp.MustCompile(`\s*style="([^"]*)"`)

// innerSVG cuts the drawing out of its document.
func innerSVG(doc string) (string, error) {
	start := strings.Index(doc, "<svg")
	end := strings.LastIndex(doc, "</svg>")
	if start < 0 || end < start {
		return "", fmt.Errorf("reports: the drawing library wrote no svg element")
	}
	open := strings.IndexByte(doc[start:end], '>')
	if open < 0 {
		return "", fmt.Errorf("reports: the drawing library wrote no svg element")
	}
	return strings.TrimLeft(doc[start+open+1:end], "\n"), nil
}

// attributes turns a style into attributes, which style sheets can override:
// a known colour becomes its role's class as well.
func attributes(style string) string {
	var attrs, classes []string
	for decl := range strings.SplitSeq(style, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(decl), ":")
		if !ok {
			continue
		}
		switch name {
		case "font-family", "font-variant":
			continue // the root has the family
		case "font-weight", "font-style":
			if value == "normal" {
				continue
			}
		case "fill", "stroke":
			if r, ok := roleOf(value); ok {
				classes = append(classes, r.class+"-"+name[:1])
				value = hex(r.light)
			}
		}
		attrs = append(attrs, fmt.Sprintf(`%s="%s"`, name, value))
	}
	// The library leaves out a fill of pure black, the default.
	if !strings.Contains(style, "fill:") && !strings.Contains(style, "stroke:") {
		if r, ok := roleOf("#000000"); ok {
			classes = append(classes, r.class+"-f")
		}
	}
	if len(classes) > 0 {
		attrs = append([]string{`class="` + strings.Join(classes, " ") + `"`}, attrs...)
	}
	if len(attrs) == 0 {
		return ""
	}
	return " " + strings.Join(attrs, " ")
}

// roleOf finds the role of a colour. The drawing library multiplies a
// transparent colour by its alpha and back, which may move a channel by a
// step or two; the roles lie much further apart.
func roleOf(value string) (role, bool) {
	var v uint32
	if n, err := fmt.Sscanf(value, "#%06x", &v); n != 1 || err != nil {
		return role{}, false
	}
	c := rgb(v)
	near := func(a, b uint8) bool { return max(a, b)-min(a, b) <= 2 }
	for _, r := range allRoles() {
		if near(c.R, r.light.R) && near(c.G, r.light.G) && near(c.B, r.light.B) {
			return r, true
		}
	}
	return role{}, false
}

// describe says in words what a figure shows.
func describe(f *result.Figure) string {
	var b strings.Builder
	if f.Kind == result.Pareto {
		b.WriteString(describePanels(f))
		if f.Note != "" {
			b.WriteString(" " + f.Note)
		}
		return b.String()
	}
	kind := map[result.Kind]string{
		result.ROC: "ROC curve", result.Curve: "Line plot", result.Histogram: "Bar chart",
		result.Sweep: "Plot of a swept parameter", result.Load: "Line plot of a load over time",
	}[f.Kind]
	fmt.Fprintf(&b, "%s of %s over %s.", kind, axisText(f.Y), axisText(f.X))
	for i := range f.Series {
		s := &f.Series[i]
		fmt.Fprintf(&b, " %s: ", legendText(s))
		r := newSpan(result.Linear)
		for _, y := range s.Y {
			r.add(y)
		}
		switch {
		case len(s.X) == 0:
			b.WriteString("no points.")
		case r.low > r.high:
			fmt.Fprintf(&b, "%d points, all undefined.", len(s.X))
		default:
			fmt.Fprintf(&b, "%d points from %s to %s.", len(s.X), single(r.low), single(r.high))
		}
	}
	if f.Note != "" {
		b.WriteString(" " + f.Note)
	}
	return b.String()
}

// xmlText replaces characters that XML cannot hold at all.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		if (r < ' ' && r != '\t' && r != '\n') || r == 0xfffe || r == 0xffff {
			return '\ufffd'
		}
		return r
	}, s)
}
