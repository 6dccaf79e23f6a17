package reports

import (
	"bytes"
	"fmt"

	"multihome.i2p/analysis/result"
)

// A File is a file of a result directory: its slash-separated path in the
// directory, and its content.
type File struct {
	Name string
	Data []byte
}

// Names of the files that a report is rendered from.
const (
	SummaryFile = "summary.json"
	FiguresFile = "figures.json"
)

// Files returns every file of r's result directory in the order to write them:
// what is rendered comes after what it is rendered from, so that a directory
// with a report.html is complete. The caller writes them.
func (r Report) Files() ([]File, error) {
	summary, err := r.Summary.Encode()
	if err != nil {
		return nil, err
	}
	figures, err := r.Figures.Encode()
	if err != nil {
		return nil, err
	}
	rendered, err := r.Rendered()
	if err != nil {
		return nil, err
	}
	return append([]File{{SummaryFile, summary}, {FiguresFile, figures}}, rendered...), nil
}

// Rendered returns the files that can be made again from summary.json and
// figures.json: results.csv, plots/<id>.svg and report.html.
func (r Report) Rendered() ([]File, error) {
	var csv bytes.Buffer
	if err := result.WriteCSV(&csv, r.Summary); err != nil {
		return nil, err
	}
	files := []File{{"results.csv", csv.Bytes()}}
	for i := range r.Figures.Figures {
		f := &r.Figures.Figures[i]
		svg, err := Plot(f)
		if err != nil {
			return nil, err
		}
		files = append(files, File{"plots/" + f.ID + ".svg", svg})
	}
	var html bytes.Buffer
	if err := r.WriteHTML(&html); err != nil {
		return nil, fmt.Errorf("report.html: %w", err)
	}
	return append(files, File{"report.html", html.Bytes()}), nil
}

// Open reads a report from the content of summary.json and figures.json. The
// error is a *result.FileError that names the file, the line and the mend.
func Open(summary, figures []byte) (Report, error) {
	s, err := result.ParseSummary(SummaryFile, summary)
	if err != nil {
		return Report{}, err
	}
	f, err := result.ParseFigures(FiguresFile, figures)
	if err != nil {
		return Report{}, err
	}
	return Report{s, f}, nil
}
