package scenario

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Override is a value that the command line sets in place of the file's.
type Override struct {
	// Flag is how errors call it, such as "--trials".
	Flag string
	// Path is the dotted path of the key, Value its text as in a file.
	Path, Value string
}

// With returns the scenario with the overrides set. They are checked like the
// file, and win over what figures and variants set. The error is an *Error that names the
// flag.
func (s *Scenario) With(overrides ...Override) (*Scenario, error) {
	root := s.root
	for _, o := range overrides {
		next, err := s.override(root, o)
		if err != nil {
			return nil, err
		}
		root = next
	}
	next, err := settle(s.Name, root, s.names)
	if err != nil {
		if err.File == "" {
			err.File = s.Name
		}
		return nil, err
	}
	return next, nil
}

func (s *Scenario) override(root *value, o Override) (*value, error) {
	pos := position{flag: o.Flag}
	k, err := variable(o.Path, true, o.Flag, pos)
	if err != nil {
		return nil, err
	}
	x, err := decodeScalar(&yaml.Node{Kind: yaml.ScalarNode, Value: o.Value}, k, o.Path)
	if err != nil {
		err.File, err.Line, err.Column = o.Flag, 0, 0
		return nil, err
	}
	x.pos = pos
	if err := admit(x, s.names); err != nil {
		return nil, err
	}
	for _, p := range root.at("sweep").pairs {
		if p.path == o.Path {
			return nil, pos.fault(o.Path, "take it out of the sweep", "the scenario sweeps %s", o.Path)
		}
	}
	for _, path := range siblings(o.Path) {
		root = root.unset("figures", path).unset("variants", path)
	}
	if strings.HasSuffix(o.Path, ".policy.file") {
		p, err := loadPolicy("", x, nil, nil, s.names)
		if err != nil {
			err.File, err.Line, err.Column = o.Flag, 0, 0
			return nil, err
		}
		if p != nil {
			x = p.file
			if root, err = apply(root, strings.TrimSuffix(o.Path, "file")+"source", p.source); err != nil {
				return nil, err
			}
		}
	}
	root, err = apply(root, o.Path, x)
	if err != nil {
		return nil, err
	}
	return root, nil
}

// siblings are the paths that say the same as path: the spellings of a policy.
func siblings(path string) []string {
	arm, key, ok := strings.Cut(path, ".policy")
	if !ok || key != "" && key != ".name" && key != ".file" && key != ".source" {
		return []string{path}
	}
	return []string{arm + ".policy", arm + ".policy.name", arm + ".policy.file", arm + ".policy.source"}
}

// unset takes a path out of the settings of all entries of a list.
func (v *value) unset(list, path string) *value {
	l := *v.at(list)
	l.items = slices.Clone(l.items)
	for i, item := range l.items {
		set := *item.at("set")
		set.pairs = slices.DeleteFunc(slices.Clone(set.pairs), func(p pair) bool { return p.path == path })
		l.items[i] = item.replace("set", &set)
	}
	return v.replace(list, &l)
}
