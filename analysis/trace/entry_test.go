package trace

import (
	"strings"
	"testing"
)

// TestEntryErrors keeps the wording for the entries of a Meta LeaseSet.
func TestEntryErrors(t *testing.T) {
	hash := testHash(1).String()
	whole := `{"hash":"` + hash + `","type":3,"cost":0,"expires":1}`
	for _, test := range []struct{ entries, want string }{
		{`{}`, "entries"},
		{`[` + strings.TrimSuffix(strings.Repeat(whole+",", MaxEntries+1), ",") + `]`, "more than 255 entries"},
		{`[{"hash":"` + hash + `","type":3,"cost":0}]`, "incomplete"},
		{`[{"hash":"` + hash + `","type":256,"cost":0,"expires":1}]`, "too large"},
		{`[{"hash":"` + hash + `","hash":"` + hash + `","type":3,"cost":0,"expires":1}]`, `key "hash" twice`},
		{`[{"hash":"` + hash + `","end":3}]`, `unknown key "end"`},
	} {
		var p parser
		var r Record
		err := p.record([]byte(`{"t":1,"kind":"meta","published":1,"entries":`+test.entries+`}`), &r)
		if err == nil || !strings.Contains(err.Error(), test.want) || err.Mend == "" {
			t.Errorf("%.60s: %v, want %s", test.entries, err, test.want)
		}
	}
}
