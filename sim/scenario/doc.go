// Package scenario reads scenario files: what is asked, of which world,
// against which reference, over which grid.
//
// # One table
//
// Everything that is known of a key stands in one declaration (table.go): its
// path, type, default, unit, bounds, meaning and source, and the field of the
// simulated world that it fills. The strict decoder, the JSON Schema that
// editors use, the documentation and the list of assumptions in every report
// are all made from that table, so that they cannot contradict each other.
//
// # From a file to worlds
//
//  1. The text is read as one YAML document, without anchors, aliases, tags
//     or merge keys (document.go).
//  2. Each node is checked against the declaration of its key and becomes a
//     value that remembers its line and column (decode.go).
//  3. Defaults fill what was not written; the result is the canonical form,
//     whose SHA-256 is the identity of a run (resolve.go, canonical.go).
//  4. Each point of the sweep is set into that tree, the reference arm is laid
//     over the destination, and the worlds are bound and checked against
//     rules that join several keys (sweep.go, bind.go, check.go).
//
// All points of a sweep and all figures are checked when the file is read, so
// that a run of hours does not end in a mistake of spelling.
//
// What the simulator does not simulate is refused, never ignored
// (unsimulated.go).
package scenario
