package scenario

import (
	"errors"
	"strings"
	"testing"
)

// FuzzParse: Parse never panics; an error is typed, has a position and is one
// line; what is taken has a canonical form that is taken as the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(plainText))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("fuzz.yaml", data, testNames)
		if err != nil {
			var e *Error
			switch {
			case s != nil:
				t.Fatal("both a scenario and an error")
			case !errors.As(err, &e) || e.File != "fuzz.yaml" || e.Line < 1 || e.Column < 1 || e.Msg == "":
				t.Fatalf("%#v", err)
			case strings.ContainsAny(err.Error(), "\n\r"):
				t.Fatalf("several lines: %q", err)
			}
			return
		}
		sameAgain(t, s)
	})
}
