package control

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"multihome.i2p/i2cp"
)

// WriteTables writes a status for people: what is wrong, then Destinations,
// routers and leases, each with its age.
func WriteTables(w io.Writer, f *Form) error {
	if f.AgeS >= 1 {
		fmt.Fprintf(w, "This is %s old: the balancer has not answered since.\n\n", span(f.AgeS))
	}
	destinations := [][]string{{"destination", "health", "leases", "published", "confirmed", "publisher", "clients", "received", "sent", "dropped"}}
	routers := [][]string{{"router", "state", "for", "heard", "kind", "version", "tunnels", "leases", "clock", "can"}}
	var problems []string // too long for a table
	leases := [][]string{{"destination", "lease", "tunnel", "router", "ends in"}}
	for _, d := range f.Destinations {
		destinations = append(destinations, []string{
			d.Name, d.Health, strconv.Itoa(alive(d.Leases, "")), ago(d.PublishedAgeS), confirmed(&d), dash(d.Publisher),
			strconv.Itoa(d.Clients), strconv.FormatUint(d.Received, 10), strconv.FormatUint(d.Sent, 10), strconv.FormatUint(d.Dropped, 10),
		})
		sorted := slices.SortedStableFunc(slices.Values(d.Leases), func(a, b LeaseForm) int { return cmp.Compare(a.End, b.End) })
		for _, l := range sorted {
			left := span(l.LeftS)
			if l.LeftS <= 0 {
				left = "over"
			}
			leases = append(leases, []string{d.Name, l.Gateway[:min(8, len(l.Gateway))] + "…", strconv.FormatUint(uint64(l.Tunnel), 10), dash(l.Router), left})
		}
	}
	for _, r := range f.Routers {
		kind := dash(r.Kind)
		if r.Extension {
			kind += ", P140"
		}
		if r.Problem != "" {
			problems = append(problems, fmt.Sprintf("router %s: %s", r.Name, r.Problem))
		}
		state := r.State
		if r.Drained && state == down {
			state += ", drained"
		}
		routers = append(routers, []string{
			r.Name, state, age(r.StateAgeS), ago(r.HeardAgeS), kind, dash(r.Version), strconv.Itoa(r.Tunnels), strconv.Itoa(r.Leases),
			clockOf(&r), dash(Capabilities(r.Capabilities)),
		})
	}
	for _, d := range f.Destinations {
		fmt.Fprintf(w, "%s  %s\n", printable(d.Name), printable(d.B32))
	}
	for _, rows := range [][][]string{destinations, routers, leases} {
		if len(rows) == 1 {
			continue
		}
		fmt.Fprintln(w)
		if err := WriteTable(w, rows); err != nil {
			return err
		}
	}
	if problems != nil {
		fmt.Fprintln(w)
	}
	for _, text := range problems {
		fmt.Fprintln(w, printable(text))
	}
	return nil
}

// confirmed says since when the newest LeaseSet is known to be in the netDb, or
// that an older one is.
func confirmed(d *DestinationForm) string {
	if d.Confirmed != 0 && d.Confirmed < d.Published {
		return "older, " + ago(d.ConfirmedAgeS)
	}
	return ago(d.ConfirmedAgeS)
}

func clockOf(r *RouterForm) string {
	if r.HeardAgeS == nil {
		return "-"
	}
	return Clock(r.ClockOffsetS)
}

// Clock writes how many seconds a clock is ahead.
func Clock(s float64) string {
	return strings.Replace(fmt.Sprintf("%+.1f s", s), "-0.0", "+0.0", 1)
}

// Capabilities writes what a router can do in few words: the names, or those that
// are missing where these are fewer.
func Capabilities(names []string) string {
	var missing []string
	for _, name := range i2cp.Capabilities(math.MaxUint32).Names() {
		if !slices.Contains(names, name) {
			missing = append(missing, name)
		}
	}
	switch {
	case len(missing) == 0:
		return "all"
	case len(missing) < len(names):
		return "all but " + strings.Join(missing, " ")
	}
	return strings.Join(names, " ")
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func age(s *float64) string {
	if s == nil {
		return "-"
	}
	return span(*s)
}

func ago(s *float64) string {
	if s == nil {
		return "never"
	}
	return span(*s) + " ago"
}

// span writes seconds as people do.
func span(s float64) string {
	d := time.Duration(max(s, 0) * float64(time.Second))
	switch {
	case d < 100*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 100*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

// printable keeps what a router says of itself from reaching the terminal as
// commands.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, text)
}

// WriteTable writes rows as a table, the first as its header.
func WriteTable(w io.Writer, rows [][]string) error {
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
		tablewriter.WithRowAlignment(tw.AlignLeft),
		// The locale must not change how wide a character counts.
		tablewriter.WithEastAsian(tw.Off),
	)
	for i, row := range rows {
		cells := make([]string, len(row))
		for j, text := range row {
			cells[j] = printable(text)
		}
		if i == 0 {
			table.Header(cells)
		} else if err := table.Append(cells); err != nil {
			return err
		}
	}
	if err := table.Render(); err != nil {
		return err
	}
	for line := range strings.Lines(out.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(strings.TrimPrefix(line, " "), " \n")); err != nil {
			return err
		}
	}
	return nil
}
