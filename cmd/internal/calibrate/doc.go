// Package calibrate measures what a scenario assumes on the operator's own routers:
// it reads saved pages of Java I2P's router console, and directories of RouterInfos as
// i2pd and Java I2P keep them, and writes a scenario with the sizes of fast tiers, how
// much they overlap and turn over, and how many routers i2pd draws hops from. Each
// number stands beside its source, its sample and, where it is an estimate, its
// interval.
//
// The markup is that of Java I2P 2.8.0 (ProfileOrganizerRenderer, TunnelRenderer,
// CommSystemFacadeImpl.renderPeerHTML), in any language: tiers are told by the page's
// own numbers and separators, not by its words.
package calibrate

import "fmt"

// Error is what is wrong with a file.
type Error struct {
	File         string
	Line, Column int // from 1; 0 where the file is no text
	Msg, Mend    string
}

// Error returns "file:line:column: message; mend".
func (e *Error) Error() string {
	s := e.File
	if e.Line > 0 {
		s = fmt.Sprintf("%s:%d:%d", s, e.Line, e.Column)
	}
	s += ": " + e.Msg
	if e.Mend != "" {
		s += "; " + e.Mend
	}
	return s
}
