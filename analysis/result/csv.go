package result

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// WriteCSV writes the numbers of s as comma-separated values after RFC 4180
// (lines end in CR LF): a line for each metric of each cell, in the order of
// the cells, metrics by rising name. The columns between arm and metric are
// the union of the cells' params by rising path, empty where a cell has none.
// Numbers are unscaled and unrounded; an undefined one is empty.
func WriteCSV(w io.Writer, s *Summary) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	var paths []string
	for i := range s.Cells {
		for _, p := range s.Cells[i].Params {
			if !slices.Contains(paths, p.Path) {
				paths = append(paths, p.Path)
			}
		}
	}
	slices.Sort(paths)

	out := csv.NewWriter(w)
	out.UseCRLF = true
	header := slices.Concat([]string{"arm"}, paths, []string{"metric", "center", "lo", "hi", "confidence", "n", "unit"})
	if err := out.Write(header); err != nil {
		return err
	}
	for i := range s.Cells {
		c := &s.Cells[i]
		row := []string{string(c.Arm)}
		for _, path := range paths {
			v, _ := c.Param(path) // a missing param is the empty string
			row = append(row, v.String())
		}
		shared := len(row)
		for name, m := range c.Metrics() {
			row = append(row[:shared], name, csvFloat(m.Center), csvFloat(m.Lo), csvFloat(m.Hi),
				csvFloat(m.Confidence), strconv.Itoa(m.N), m.Unit)
			if err := out.Write(row); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

func csvFloat(f float64) string {
	if !finite(f) {
		return ""
	}
	return formatFloat(f)
}
