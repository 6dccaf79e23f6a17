package scenario

import "slices"

// refusal is a value of a key that the format has and the simulator does not
// simulate yet. Whoever writes the feature deletes its line.
type refusal struct {
	path string
	// words are the refused values; nil refuses every value but the default.
	words []string
	what  string
}

var unsimulated = []refusal{
	{"faults.kind", []string{"link_loss", "balancer_crash"}, "this fault is not simulated"},
}

// refused returns the refusal that a value meets.
func refused(s *spec, v *value) (refusal, bool) {
	for _, r := range unsimulated {
		if r.path != s.dotted() {
			continue
		}
		if r.words == nil && formatScalar(s, v.scalar) != s.Default || slices.Contains(r.words, v.text()) {
			return r, true
		}
	}
	return refusal{}, false
}

// simulatedWords returns the words of s that are not refused.
func simulatedWords(s *spec) []string {
	words := slices.Clone(s.Words)
	for _, r := range unsimulated {
		if r.path == s.dotted() {
			words = slices.DeleteFunc(words, func(w string) bool { return slices.Contains(r.words, w) })
		}
	}
	return words
}
