package reports

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"multihome.i2p/analysis/result"
)

// TableOptions shape a terminal table. The zero value suits 100 columns.
type TableOptions struct {
	// Width is the terminal's width in columns, 100 if it is 0. A table that
	// would be wider shows intervals on lines of their own, then units and n as
	// well.
	Width int
	// AllAttacks shows every attack of every adversary; otherwise only the best
	// attack of each, which is what an operator has to fear.
	AllAttacks bool
}

// WriteTable writes s for a terminal: a table for each grid point with its
// arms side by side, then the warnings. Values of a row share their precision;
// an undefined one says so.
func WriteTable(w io.Writer, s *result.Summary, opt TableOptions) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s: seed %d, %d trials per arm%s\n", printable(s.Scenario), s.Seed, s.Trials, commitText(s.Commit))
	points := s.Points()
	if len(points) == 0 {
		out.WriteString("no results\n")
	}
	varying := s.Varying()
	for _, p := range points {
		out.WriteByte('\n')
		if title := pointTitle(p, varying); title != "" {
			out.WriteString(printable(title) + "\n")
		}
		if err := WriteColumns(&out, pointColumns(p), opt); err != nil {
			return err
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

func commitText(commit string) string {
	if commit == "" {
		return ""
	}
	return ", commit " + printable(commit)
}

// WriteColumns writes cells side by side under their labels, such as the same
// arm of several scenarios, and the warnings of each below.
func WriteColumns(w io.Writer, columns []Column, opt TableOptions) error {
	if opt.Width <= 0 {
		opt.Width = 100
	}
	secs := sections(columns)
	if !opt.AllAttacks {
		secs = bestAttacks(secs)
	}
	var out bytes.Buffer
	if len(secs) == 0 {
		out.WriteString("no metrics\n")
	} else {
		var text string
		for _, l := range []layout{wide, stacked, narrow} {
			var err error
			if text, err = tableText(columns, secs, l); err != nil {
				return err
			}
			if widest(text) <= opt.Width {
				break
			}
		}
		out.WriteString(text)
		var notes []string
		if n, ok := shared(secs, func(r row) string { return r.n }); ok {
			notes = append(notes, "n = "+n)
		}
		if note := intervalNote(columns); note != "" {
			notes = append(notes, note)
		}
		if len(notes) > 0 {
			out.WriteString(strings.Join(notes, "; ") + "\n")
		}
	}
	for _, col := range columns {
		for _, warning := range col.Cell.Warnings() {
			fmt.Fprintf(&out, "warning: %s: %s\n", printable(col.Label), printable(warning))
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// bestAttacks drops all attacks but the best where there is a best.
func bestAttacks(secs []section) []section {
	var out []section
	for _, s := range secs {
		best := section{title: s.title}
		for _, r := range s.rows {
			if a, ok := result.ParseAttackMetric(r.full); ok && a.Attack == result.BestAttack {
				best.rows = append(best.rows, r)
			}
		}
		if len(best.rows) > 0 {
			s = best
		}
		out = append(out, s)
	}
	return out
}

// A layout says what a table moves to lines of its own to save width.
type layout int

const (
	wide    layout = iota
	stacked        // intervals below their values
	narrow         // and units and n below the metric's name
)

func tableText(columns []Column, secs []section, l layout) (string, error) {
	_, oneN := shared(secs, func(r row) string { return r.n })
	none, same := shared(secs, func(r row) string { return r.expected })
	showExpected := !same || none != ""

	header := []string{"metric"}
	align := []tw.Align{tw.AlignLeft}
	for _, col := range columns {
		header = append(header, printable(col.Label))
		align = append(align, tw.AlignLeft)
	}
	if showExpected {
		header = append(header, "expected")
		align = append(align, tw.AlignRight)
	}
	if l != narrow {
		header = append(header, "unit")
		align = append(align, tw.AlignLeft)
	}
	if !oneN && l != narrow {
		header = append(header, "n")
		align = append(align, tw.AlignRight)
	}

	var out strings.Builder
	table := tablewriter.NewTable(&out,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.Border{Left: tw.Off, Right: tw.Off, Top: tw.Off, Bottom: tw.Off},
			// ASCII: it survives every terminal, pager and bug report.
			Symbols: tw.NewSymbols(tw.StyleASCII),
			Settings: tw.Settings{
				Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off, ShowHeader: tw.Off, ShowFooter: tw.Off},
				Lines:      tw.Lines{ShowHeaderLine: tw.On, ShowFooterLine: tw.Off, ShowTop: tw.Off, ShowBottom: tw.Off},
			},
		})),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAlignment(tw.AlignLeft),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithAlignment(align),
		tablewriter.WithTrimSpace(tw.Off),
		// The locale must not change how wide a character counts.
		tablewriter.WithEastAsian(tw.Off),
	)
	table.Header(header)
	for i, s := range secs {
		if s.title != "" {
			if i > 0 {
				if err := table.Append(make([]string, len(header))); err != nil {
					return "", err
				}
			}
			title := make([]string, len(header))
			title[0] = printable(s.title) + ":"
			if err := table.Append(title); err != nil {
				return "", err
			}
		}
		widths := valueWidths(s.rows, len(columns))
		for _, r := range s.rows {
			name := printable(r.name)
			if l == narrow {
				name += below(r, !oneN)
			}
			cells := []string{name}
			for c, v := range r.values {
				cells = append(cells, valueCell(v, widths[c], l != wide))
			}
			if showExpected {
				cells = append(cells, r.expected)
			}
			if l != narrow {
				cells = append(cells, printable(r.unit))
				if !oneN {
					cells = append(cells, r.n)
				}
			}
			if err := table.Append(cells); err != nil {
				return "", err
			}
		}
	}
	if err := table.Render(); err != nil {
		return "", err
	}
	return trimLines(out.String()), nil
}

// valueWidths is the width of the widest value in each column, to line the
// intervals of a section up.
func valueWidths(rows []row, columns int) []int {
	widths := make([]int, columns)
	for _, r := range rows {
		for c, v := range r.values {
			if v.interval != "" {
				widths[c] = max(widths[c], len(v.value))
			}
		}
	}
	return widths
}

// below is the line under a metric's name in a narrow table.
func below(r row, showN bool) string {
	parts := []string{}
	if r.unit != "" {
		parts = append(parts, printable(r.unit))
	}
	if showN {
		parts = append(parts, "n = "+r.n)
	}
	if len(parts) == 0 {
		return ""
	}
	return "\n  " + strings.Join(parts, ", ")
}

func valueCell(v cellText, width int, stacked bool) string {
	switch {
	case v.value == "":
		return "-"
	case v.interval == "":
		return v.value
	case stacked:
		return v.value + "\n" + v.interval
	}
	return fmt.Sprintf("%-*s %s", width, v.value, v.interval)
}

// trimLines removes the margin that the table's padding leaves.
func trimLines(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(strings.TrimPrefix(line, " "), " ")
		if strings.Trim(line, "-+ ") == "" && line != "" {
			lines[i] = strings.TrimPrefix(strings.TrimRight(line, " "), "-")
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func widest(s string) int {
	width := 0
	for line := range strings.Lines(s) {
		width = max(width, utf8.RuneCountInString(strings.TrimRight(line, "\n")))
	}
	return width
}

// printable replaces control characters: a name from a file must not command
// the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) || r == '\u2028' || r == '\u2029' {
			return '\ufffd'
		}
		return r
	}, s)
}
