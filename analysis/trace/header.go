package trace

import (
	"strings"
	"unicode/utf8"
)

// Format and Version stand in the header of every trace. A reader rejects every
// other version: a trace is evidence, and half-understood evidence misleads.
const (
	Format  = "multihome-trace"
	Version = 1
)

// A Vantage names the place from which the observer looks.
type Vantage string

// The vantage points.
const (
	VantageNetDb     Vantage = "netdb"     // polls the floodfills that hold the LeaseSet
	VantageFloodfill Vantage = "floodfill" // is one or several of the floodfills
	VantageClient    Vantage = "client"    // talks to the service: bundled LeaseSets, probes
	VantagePeer      Vantage = "peer"      // is a hop in some of the tunnels
)

// A Source tells a simulated trace from a recorded one.
type Source string

// The sources.
const (
	SourceSim  Source = "sim"
	SourceLive Source = "live"
)

// A Header is the first line of a trace.
type Header struct {
	// Destination is the base32 address of the observed service: 52 characters
	// (56 and more for a blinded address), with or without ".b32.i2p".
	Destination string
	Vantage     Vantage
	Source      Source
	// Note is free text for people: at most 4096 bytes of UTF-8. Left out of the
	// header when empty.
	Note string
}

// maxNote bounds Header.Note, so that a header fits into a line.
const maxNote = 4096

// Check returns nil if h may stand in a trace, or else an [*Error] that names
// the field.
func (h *Header) Check() error {
	switch {
	case !validB32(h.Destination):
		return &Error{
			Line: 1, Field: "destination", Problem: quote(h.Destination) + " is not a base32 address",
			Mend: `write the 52 characters of a-z and 2-7, with or without ".b32.i2p"`,
		}
	case h.Vantage != VantageNetDb && h.Vantage != VantageFloodfill && h.Vantage != VantageClient && h.Vantage != VantagePeer:
		return &Error{
			Line: 1, Field: "vantage", Problem: "unknown vantage point " + quote(string(h.Vantage)),
			Mend: "use netdb, floodfill, client or peer",
		}
	case h.Source != SourceSim && h.Source != SourceLive:
		return &Error{
			Line: 1, Field: "source", Problem: "unknown source " + quote(string(h.Source)),
			Mend: "use sim or live",
		}
	case len(h.Note) > maxNote || !utf8.ValidString(h.Note):
		return &Error{Line: 1, Field: "note", Problem: "longer than 4096 bytes, or not UTF-8", Mend: "shorten the note"}
	}
	return nil
}

func validB32(text string) bool {
	text = strings.TrimSuffix(text, ".b32.i2p")
	if len(text) != 52 && (len(text) < 56 || len(text) > 63) {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}
