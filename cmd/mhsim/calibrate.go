package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"multihome.i2p/cmd/internal/calibrate"
	"multihome.i2p/sim/scenario"
)

const calibrateHelp = `Usage:
    mhsim calibrate PATH... [-o FILE]

Measures your own routers for a scenario: the sizes of their fast tiers, how much
these overlap and turn over, how many fast peers may be inbound gateways, and how
many routers i2pd draws hops from. Each number is written beside its source, its
sample and its interval.

A PATH is a router:
    a page of the router console of Java I2P, saved as HTML: /profiles, or /tunnels
    a folder with several pages of one router, *.html or *.htm
    a netDb directory of i2pd or Java I2P: routerInfo-*.dat, in it or in its folders

Overlap needs the pages of several routers, saved within minutes of each other;
turnover those of one router at several times. The time of a page is that in its
name, in UTC, as in 2026-11-23T16-30.html, or else when the file was changed last.
Pages that show the same identity in their side bar belong to one router.

Flags:
    --output FILE   write the scenario to a new file, by default to standard output;
                    -o is short for it

Example:
    $ mhsim calibrate east west-2026-05-04T15-03-20.htm netDb -o ours.yaml
    $ mhsim run ./ours.yaml --trials 2 --duration 1h --out results/ours
`

func (t *tool) calibrateCommand() *command {
	return &command{
		name: "calibrate", help: calibrateHelp, least: 1, most: -1, argument: "PATH", action: t.calibrate,
		flags: []cli.Flag{&cli.StringFlag{Name: "output", Aliases: []string{"o"}}},
	}
}

func (t *tool) calibrate(c *cli.Context) error {
	m := &calibrate.Measured{}
	for _, path := range c.Args().Slice() {
		if err := measure(m, path); err != nil {
			return inputError(err)
		}
	}
	if err := joinRouters(m); err != nil {
		return inputError(err)
	}
	text, err := m.Scenario()
	if err != nil {
		return inputError(err)
	}
	output := c.String("output")
	name := output
	if name == "" {
		name = "calibrated.yaml"
	}
	if _, err := scenario.Parse(name, []byte(text), names()); err != nil {
		return inputError(err)
	}
	if output == "" {
		fmt.Fprint(t.stdout, text)
		return nil
	}
	f, err := os.OpenFile(output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return inputErrorf("%s is there already; choose another --output", output)
	}
	if err != nil {
		return inputErrorf("cannot write the scenario: %w; choose another --output", err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("cannot write the scenario: %w", err), os.Remove(output))
	}
	fmt.Fprintf(t.stdout, "scenario: %s\n", output)
	return nil
}

// measure reads one argument.
func measure(m *calibrate.Measured, path string) error {
	stat, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%w; give a saved page, a folder of pages, or a netDb directory", err)
	}
	if !stat.IsDir() {
		r := calibrate.Router{Name: path}
		if err := addPage(&r, path, stat); err != nil {
			return err
		}
		m.Routers = append(m.Routers, r)
		return nil
	}
	r := calibrate.Router{Name: path}
	db := calibrate.NewNetDb(path)
	pages, infos := 0, 0
	err = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if below, err := filepath.Rel(path, file); err == nil && strings.Count(below, string(filepath.Separator)) > 1 {
				return fs.SkipDir
			}
			return nil
		case calibrate.IsRouterInfo(d.Name()):
			infos++
			data, err := readUpTo(file, calibrate.MaxRouterInfo)
			if err != nil {
				return err
			}
			return db.Add(file, d.Name(), data)
		case filepath.Dir(file) == filepath.Clean(path) && slices.Contains([]string{".html", ".htm"}, strings.ToLower(filepath.Ext(file))):
			pages++
			stat, err := d.Info()
			if err != nil {
				return err
			}
			return addPage(&r, file, stat)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if pages == 0 && infos == 0 {
		return fmt.Errorf("%s holds neither pages (*.html) nor routerInfo-*.dat; give a saved page, a folder of pages, or a netDb directory", path)
	}
	if pages > 0 {
		m.Routers = append(m.Routers, r)
	}
	if infos > 0 {
		m.NetDbs = append(m.NetDbs, db)
		return db.Finish()
	}
	return nil
}

// addPage reads a page of a router.
func addPage(r *calibrate.Router, file string, stat fs.FileInfo) error {
	data, err := readUpTo(file, calibrate.MaxPage)
	if err != nil {
		return err
	}
	page, err := calibrate.ParsePage(file, data)
	if err != nil {
		return err
	}
	if page.Profiles == nil {
		r.Tunnels = append(r.Tunnels, page)
		return nil
	}
	r.Snapshots = append(r.Snapshots, calibrate.Snapshot{Page: page, At: timeOf(file, stat)})
	return nil
}

// nameTime is a time in a file's name.
var nameTime = regexp.MustCompile(`(20\d\d)-?(\d\d)-?(\d\d)[T_ -]?(\d\d)[-:.h]?(\d\d)(?:[-:.m]?(\d\d))?`)

// timeOf is when a page was saved.
func timeOf(file string, stat fs.FileInfo) time.Time {
	if f := nameTime.FindStringSubmatch(filepath.Base(file)); f != nil {
		if f[6] == "" {
			f[6] = "00"
		}
		if at, err := time.Parse("20060102150405", strings.Join(f[1:], "")); err == nil {
			return at
		}
	}
	return stat.ModTime()
}

// readUpTo reads a file of at most so many bytes.
func readUpTo(file string, most int64) ([]byte, error) {
	stat, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if stat.Size() > most {
		return nil, fmt.Errorf("%s has %d bytes, and at most %d are read", file, stat.Size(), most)
	}
	return os.ReadFile(file)
}

// joinRouters brings the pages of each router together, and orders them by time.
func joinRouters(m *calibrate.Measured) error {
	var routers []calibrate.Router
	byIdent := map[string]int{}
	for _, r := range m.Routers {
		ident := ""
		for _, p := range pagesOf(&r) {
			switch {
			case p.Ident == "":
			case ident == "":
				ident = p.Ident
			case ident != p.Ident:
				return fmt.Errorf("%s: the page is router %s's, and others of the folder are %s's; give each router a folder of its own", p.File, p.Ident, ident)
			}
		}
		if i, known := byIdent[ident]; known && ident != "" {
			routers[i].Snapshots = append(routers[i].Snapshots, r.Snapshots...)
			routers[i].Tunnels = append(routers[i].Tunnels, r.Tunnels...)
			continue
		}
		byIdent[ident] = len(routers)
		routers = append(routers, r)
	}
	for i := range routers {
		s := routers[i].Snapshots
		slices.SortStableFunc(s, func(a, b calibrate.Snapshot) int { return a.At.Compare(b.At) })
		for k := 1; k < len(s); k++ {
			if !s[k].At.After(s[k-1].At) {
				return fmt.Errorf("%s and %s are of the same time, %s; put the times into their names, as in 2026-11-23T16-30.html",
					s[k-1].Page.File, s[k].Page.File, s[k].At.UTC().Format(time.RFC3339))
			}
		}
	}
	m.Routers = routers
	return nil
}

func pagesOf(r *calibrate.Router) []*calibrate.Page {
	pages := slices.Clone(r.Tunnels)
	for _, s := range r.Snapshots {
		pages = append(pages, s.Page)
	}
	return pages
}
