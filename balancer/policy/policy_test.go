package policy

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	for _, name := range Names() {
		p, err := New(name, DefaultOptions())
		if err != nil || p.Name() != name {
			t.Errorf("New(%q) = %v, %v", name, p, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"mimik", func(*Options) {}, "there are per-router, superset, shared-key, common-pool"},
		{"single", func(o *Options) { o.Reuse = 1.5 }, "reuse 1.5"},
		{"single", func(o *Options) { o.Reuse = math.NaN() }, "reuse NaN"},
		{"single", func(o *Options) { o.Publisher = "most" }, `publisher "most"`},
	} {
		opt := DefaultOptions()
		c.change(&opt)
		p, err := New(c.name, opt)
		if p != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%q, %+v) = %v, %v; want an error with %q", c.name, opt, p, err, c.want)
		}
	}
}

// Whoever adds a policy says what it hides and what it costs.
func TestEveryPolicyIsDescribed(t *testing.T) {
	for _, name := range Names() {
		d, ok := Describe(name)
		if !ok {
			t.Errorf("policy %s has no description", name)
		}
		for _, text := range []string{d.Does, d.Needs, d.Hides, d.Shows, d.Costs} {
			if text == "" {
				t.Errorf("the description of policy %s is not whole: %+v", name, d)
				break
			}
		}
	}
	for _, d := range descriptions {
		if !slices.Contains(Names(), d.Name) {
			t.Errorf("a description of %s, which is no policy", d.Name)
		}
	}
}
