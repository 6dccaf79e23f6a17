package assess

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// writeOverview writes a table of several traces, a row for each.
func writeOverview(out *bytes.Buffer, all []*Assessment) error {
	rows := [][]string{{"trace", "LeaseSets", "hours", "kind", "P(one router)", "routers", "singles higher", "verdict"}}
	for _, a := range all {
		row := []string{a.file, fmt.Sprint(a.leaseSets), fmt.Sprintf("%.3g", a.spanHours()), "-", "-", "-", "-", string(a.verdict)}
		if len(a.posterior) > 0 {
			row[4] = probability(a.posterior[0])
		}
		if x := a.reference; x != nil {
			row[3], row[5] = x.judge.kind, x.count()
			row[6] = fmt.Sprintf("%s (%s to %s)", percent(x.higher.Center), percent(x.higher.Lo), percent(x.higher.Hi))
			if x.strange {
				row[3], row[7] = "-", row[7]+", strange"
			}
		}
		rows = append(rows, row)
	}
	var text strings.Builder
	table := tablewriter.NewTable(&text,
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
		tablewriter.WithRowAlignment(tw.AlignLeft),
		// The locale must not change how wide a character counts.
		tablewriter.WithEastAsian(tw.Off),
	)
	for i, row := range rows {
		for j := range row {
			row[j] = printable(row[j])
		}
		if i == 0 {
			table.Header(row)
		} else if err := table.Append(row); err != nil {
			return err
		}
	}
	if err := table.Render(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		fmt.Fprintln(out, strings.TrimRight(strings.TrimPrefix(line, " "), " \n"))
	}
	return nil
}

// printable replaces what would break a line of a table, as names of files can.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, text)
}
