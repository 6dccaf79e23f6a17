// Package result holds what a finished run says: cells of metrics with their
// intervals, and the data behind its plots.
//
// # Files
//
// A run leaves two files that everything else is rendered from:
//
//   - summary.json ([Summary]): a [Cell] for each grid point and arm, each with
//     named [Metric] values. It is the file other programs read.
//   - figures.json ([Figures]): the curves and histograms that a summary cannot
//     hold, and the words of the report. Plots and report.html come from these
//     two files alone, so that rendering again needs no simulation.
//
// results.csv ([WriteCSV]) holds the numbers of summary.json once more, for
// spreadsheets; nothing reads it back.
//
// # Canonical bytes
//
// Equal values encode to equal bytes: keys stand in a fixed order, params and
// metrics are sorted by name, floats are the shortest decimal that reads back
// as the same number, strings escape only what JSON requires. Cells, figures
// and series keep the order they were given, because that order means
// something (policy before reference, first figure first). Reading a canonical
// file and writing it again gives the same bytes.
//
// Readers are strict: an unknown, missing or repeated key is an error that
// names the file, the line and the mend, since a lenient reader would show a
// report of half the data.
//
// # Undefined numbers
//
// NaN means "undefined" and is null in the files; an infinity becomes NaN,
// because JSON has neither. An undefined number never stands without a
// warning: [Cell.Warnings] adds one for each.
package result
