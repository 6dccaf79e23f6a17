// Package reports renders result values for people: a table for the terminal,
// SVG plots, and one self-contained HTML page.
//
// Everything here is a pure function of a result.Summary and a result.Figures:
// the same values give the same bytes, and a run can be rendered again without
// simulating it again. Nothing is computed here that a number in the files
// does not say; rounding is the only thing done to one, and an interval is
// rounded outwards, so that what is shown contains what was found.
//
// Colours are those of Okabe and Ito (Color Universal Design, 2008), which
// readers with any colour vision can tell apart; dashes, markers and fillings
// differ as well, so that a plot survives a greyscale printer.
package reports
