package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"multihome.i2p/analysis/result"
	"multihome.i2p/sim/game"
	"multihome.i2p/sim/scenario"
)

// exportDir is the folder of a run's exported tables.
const exportDir = "export"

// Tables and formats of mhsim export, the defaults first.
var (
	exportTables  = []string{"results", "trials"}
	exportFormats = []string{"csv", "parquet"}
)

func (t *tool) exportCommand() *command {
	return &command{
		name: "export", help: exportHelp, least: 1, most: 1, argument: "DIR", action: t.export,
		flags: []cli.Flag{
			&cli.StringFlag{Name: "format"},
			&cli.StringFlag{Name: "table"},
			&cli.StringFlag{Name: "out"},
		},
	}
}

// table is what is exported: rows of typed columns.
type table struct {
	name    string
	columns []column
	// each calls f for every row. A nil is no value; others are of their column's
	// kind. The row belongs to each.
	each func(f func(row []any) error) error
}

// column is one column of a table.
type column struct {
	name string
	kind columnKind
	// optional: rows may lack a value.
	optional bool
}

// columnKind is the type of a column's values.
type columnKind int

const (
	textColumn  columnKind = iota // string
	wholeColumn                   // int64
	realColumn                    // float64, finite
	truthColumn                   // bool
)

func (t *tool) export(c *cli.Context) error {
	dir := filepath.Clean(c.Args().First())
	format, err := exportFormat(c)
	if err != nil {
		return err
	}
	names := exportTables
	if c.IsSet("table") {
		if !slices.Contains(exportTables, c.String("table")) {
			return inputErrorf("--table: %q is neither results nor trials", c.String("table"))
		}
		names = []string{c.String("table")}
	} else if c.IsSet("out") {
		names = names[:1]
	}
	for _, name := range names {
		made, err := t.exportedTable(dir, name)
		if err != nil {
			return err
		}
		out := c.String("out")
		if out == "-" {
			err = made.write(t.stdout, format)
		} else {
			if out == "" {
				out = filepath.Join(dir, exportDir, name+"."+format)
				if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
					return inputErrorf("cannot write the table: %w; give an --out", err)
				}
			}
			if err = made.writeFile(out, format); err == nil {
				fmt.Fprintln(t.stdout, out)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// exportFormat is the format that the flags ask for, by its name or by that of the
// file.
func exportFormat(c *cli.Context) (string, error) {
	ending := strings.TrimPrefix(filepath.Ext(c.String("out")), ".")
	ends := slices.Contains(exportFormats, ending)
	switch format := c.String("format"); {
	case !c.IsSet("format") && ends:
		return ending, nil
	case !c.IsSet("format"):
		return exportFormats[0], nil
	case !slices.Contains(exportFormats, format):
		return "", inputErrorf("--format: %q is neither csv nor parquet", format)
	case ends && ending != format:
		return "", inputErrorf("--format %s and --out %s are two formats; leave out --format, or give the file another ending", format, c.String("out"))
	default:
		return format, nil
	}
}

// exportedTable reads a finished directory.
func (t *tool) exportedTable(dir, name string) (*table, error) {
	report, err := readReport(dir)
	if err != nil {
		return nil, err
	}
	if name == "results" {
		return resultsTable(report.Summary, paramKinds(dir)), nil
	}
	return t.trialsTable(dir, report.Summary)
}

// writeFile writes the table in one step.
func (t *table) writeFile(name, format string) error {
	f, err := createFile(name)
	if err != nil {
		return inputErrorf("cannot write the table: %w; give another --out", err)
	}
	out := bufio.NewWriterSize(f, 1<<16)
	if err = t.write(out, format); err == nil {
		err = out.Flush()
	}
	if err != nil {
		return errors.Join(err, f.discard())
	}
	return f.commit()
}

func (t *table) write(w io.Writer, format string) error {
	if format == "parquet" {
		return t.writeParquet(w)
	}
	return t.writeCSV(w)
}

// writeCSV writes after RFC 4180, as results.csv is written: no value is empty.
func (t *table) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	fields := make([]string, len(t.columns))
	for i, c := range t.columns {
		fields[i] = c.name
	}
	if err := out.Write(fields); err != nil {
		return err
	}
	err := t.each(func(row []any) error {
		for i, v := range row {
			switch v := v.(type) {
			case nil:
				fields[i] = ""
			case string:
				fields[i] = v
			case int64:
				fields[i] = strconv.FormatInt(v, 10)
			case bool:
				fields[i] = strconv.FormatBool(v)
			case float64:
				fields[i] = result.Number(v).String()
			default:
				return fmt.Errorf("column %s holds a %T", t.columns[i].name, v)
			}
		}
		return out.Write(fields)
	})
	if out.Flush(); err == nil {
		err = out.Error()
	}
	return err
}

// finite is x, or no value.
func finite(x float64) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return x
}

// paramColumns are the columns of the params of all cells, by rising path. A param
// whose kind the scenario does not tell is whole if all its values are.
func paramColumns(cells [][]result.Param, known map[string]columnKind) []column {
	kinds := make(map[string]columnKind)
	counts := make(map[string]int)
	for _, params := range cells {
		for _, p := range params {
			kind := kindOfValue(p.Value)
			if is, ok := kinds[p.Path]; ok {
				kind = unite(is, kind)
			}
			kinds[p.Path] = kind
			counts[p.Path]++
		}
	}
	var columns []column
	for path, kind := range kinds {
		if is, ok := known[path]; ok && kind != textColumn {
			kind = unite(is, kind)
		}
		columns = append(columns, column{path, kind, counts[path] < len(cells)})
	}
	slices.SortFunc(columns, func(a, b column) int { return strings.Compare(a.name, b.name) })
	return columns
}

func kindOfValue(v result.Value) columnKind {
	if x, ok := v.Float(); ok {
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return wholeColumn
		}
		return realColumn
	}
	if v == result.Bool(true) || v == result.Bool(false) {
		return truthColumn
	}
	return textColumn
}

// unite is the kind of a column that holds values of two kinds.
func unite(a, b columnKind) columnKind {
	switch {
	case a == b:
		return a
	case a == wholeColumn && b == realColumn, a == realColumn && b == wholeColumn:
		return realColumn
	}
	return textColumn
}

// valueIn is a param's value in a column of a kind.
func valueIn(v result.Value, kind columnKind) any {
	x, number := v.Float()
	switch {
	case kind == wholeColumn && number:
		return int64(x)
	case kind == realColumn && number:
		return x
	case kind == truthColumn:
		return v == result.Bool(true)
	}
	return v.String()
}

// paramKinds are the kinds that the scenario of a directory gives to its swept
// paths; none where it cannot be read.
func paramKinds(dir string) map[string]columnKind {
	data, err := os.ReadFile(filepath.Join(dir, scenarioFile))
	if err != nil {
		return nil
	}
	s, err := scenario.Parse(scenarioFile, data, names())
	if err != nil {
		return nil
	}
	kinds := make(map[string]columnKind)
	for _, cell := range s.Cells() {
		for _, arm := range []scenario.Arm{scenario.PolicyArm, scenario.ReferenceArm} {
			for _, p := range cell.Params(arm) {
				kind := textColumn
				switch p.Value.(type) {
				case int64:
					kind = wholeColumn
				case float64:
					kind = realColumn
				case bool:
					kind = truthColumn
				}
				if is, ok := kinds[p.Path]; ok {
					kind = unite(is, kind)
				}
				kinds[p.Path] = kind
			}
		}
	}
	return kinds
}

// resultsTable has a row for each metric of each cell.
func resultsTable(s *result.Summary, known map[string]columnKind) *table {
	var cells [][]result.Param
	for i := range s.Cells {
		cells = append(cells, s.Cells[i].Params)
	}
	params := paramColumns(cells, known)
	t := &table{name: "results", columns: slices.Concat(
		[]column{{"arm", textColumn, false}}, params, []column{
			{"metric", textColumn, false},
			{"center", realColumn, true},
			{"lo", realColumn, true},
			{"hi", realColumn, true},
			{"confidence", realColumn, true},
			{"n", wholeColumn, false},
			{"unit", textColumn, false},
			{"expected", realColumn, true},
		})}
	t.each = func(f func([]any) error) error {
		for i := range s.Cells {
			cell := &s.Cells[i]
			row := []any{string(cell.Arm)}
			for _, c := range params {
				var x any
				if v, ok := cell.Param(c.name); ok {
					x = valueIn(v, c.kind)
				}
				row = append(row, x)
			}
			shared := len(row)
			for name, m := range cell.Metrics() {
				var expected any
				if m.Expected != nil {
					expected = finite(*m.Expected)
				}
				row = append(row[:shared], name, finite(m.Center), finite(m.Lo), finite(m.Hi), finite(m.Confidence), int64(m.N), m.Unit, expected)
				if err := f(row); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return t
}

// trialsTable has a row for each test trial in each cell. The attacks are trained
// anew, on the trials of the directory.
func (t *tool) trialsTable(dir string, s *result.Summary) (*table, error) {
	name := filepath.Join(dir, runFile)
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, inputErrorf("the trials cannot be exported: %w; give the directory of a run, or --table results", err)
	}
	d := &shardOnDisk{path: dir}
	if d.info, err = readRunInfo(name, data); err != nil {
		return nil, inputError(err)
	}
	if !t.build.made(d.info) {
		return nil, inputErrorf("%s was made by %s, and its trials are not for this one; export with that one, or --table results", dir, t.build.another(d.info))
	}
	if _, err := os.Stat(filepath.Join(dir, scenarioFile)); err != nil {
		return nil, inputErrorf("the trials cannot be exported: %w; simulate the run again, or export --table results", err)
	}
	played, err := d.scenario()
	if err != nil {
		return nil, err
	}
	opt := game.Options{
		Workers: runtime.GOMAXPROCS(0),
		Store:   &shardRecords{filepath.Join(dir, trialsFile), trialsHeader(d.info)},
	}
	if d.info.Until > 0 {
		opt.Until = &game.Until{Width: d.info.Until, Max: d.info.MaxTrials}
	}
	judged, err := game.Judge(played, s.Trials, opt)
	if err != nil {
		return nil, inputErrorf("the trials of %s cannot be exported: %w; simulate the run again, or export --table results", dir, err)
	}
	var cells [][]result.Param
	values := func(params []scenario.Param) ([]result.Param, error) {
		var out []result.Param
		for _, p := range params {
			v, err := result.ValueOf(p.Value)
			if err != nil {
				return nil, err
			}
			out = append(out, result.Param{Path: p.Path, Value: v})
		}
		return out, nil
	}
	for i := range s.Cells { // as in the results
		cells = append(cells, s.Cells[i].Params)
	}
	params := paramColumns(cells, paramKinds(dir))
	params = slices.DeleteFunc(params, func(c column) bool { return c.name == "figures.name" })
	out := &table{name: "trials", columns: slices.Concat([]column{{"cell", wholeColumn, false}, {"arm", textColumn, false}}, params, []column{{"trial", wholeColumn, false}})}
	for _, c := range judged.Columns() {
		out.columns = append(out.columns, column{c, realColumn, true})
	}
	out.each = func(f func([]any) error) error {
		row := make([]any, 0, len(out.columns))
		return judged.Each(func(trial *game.JudgedTrial) error {
			row = append(row[:0], int64(trial.Cell), string(trial.Arm))
			has, err := values(trial.Params)
			if err != nil {
				return err
			}
			for _, c := range params {
				var x any
				if k := slices.IndexFunc(has, func(p result.Param) bool { return p.Path == c.name }); k >= 0 {
					x = valueIn(has[k].Value, c.kind)
				}
				row = append(row, x)
			}
			row = append(row, int64(trial.Trial))
			for _, x := range trial.Numbers {
				row = append(row, finite(x))
			}
			return f(row)
		})
	}
	return out, nil
}
