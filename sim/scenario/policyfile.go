package scenario

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"multihome.i2p/sim"
)

// PolicyFiles are where policies of users' files come from.
type PolicyFiles interface {
	// Read returns the file that a scenario names; scenario is the name that Parse
	// was given, from whose folder relative paths start.
	Read(scenario, file string) ([]byte, error)
	// Load makes a policy of a file's text. Its error has the place in the file.
	Load(file string, source []byte) (sim.PolicyMaker, error)
}

// maxSource is the longest policy of a file, in bytes.
const maxSource = 64 << 10

// attachPolicies reads and loads the policies of files that a scenario names: each
// arm's own, and those that variants and figures set. From then on a policy of a file
// has a name, its file's without folder and ending, and its text is part of the
// scenario: of its canonical form, and so of a run's identity.
func attachPolicies(scenario string, written *value, names Names) *Error {
	for _, arm := range policyArms {
		if policy := written.at(arm, "policy"); policy != nil {
			p, err := loadPolicy(scenario, policy.at("file"), policy.at("source"), policy.at("name"), names)
			if err != nil {
				return err
			}
			if p != nil {
				policy.fields["file"], policy.fields["source"], policy.fields["name"] = p.file, p.source, p.source.policyName
			}
		}
	}
	for _, list := range []string{"variants", "figures"} {
		if v := written.at(list); v != nil {
			for _, item := range v.items {
				if err := attachSettings(scenario, item.at("set"), names); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// policyArms are the maps that have a policy.
var policyArms = []string{"destination", "reference"}

// attachSettings does so for what a variant or a figure sets: the text stands behind
// the file.
func attachSettings(scenario string, set *value, names Names) *Error {
	if set == nil {
		return nil
	}
	for _, arm := range policyArms {
		at := func(path string) (int, *value) {
			for i := range set.pairs {
				if set.pairs[i].path == arm+".policy"+path {
					return i, set.pairs[i].values[0]
				}
			}
			return -1, nil
		}
		i, file := at(".file")
		k, source := at(".source")
		_, name := at(".name")
		if name == nil {
			_, name = at("")
		}
		p, err := loadPolicy(scenario, file, source, name, names)
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		set.pairs[i].values = []*value{p.file}
		text := pair{path: arm + ".policy.source", pos: p.file.pos, values: []*value{p.source}}
		if k >= 0 {
			set.pairs[k] = text
		} else {
			set.pairs = slices.Insert(set.pairs, i+1, text)
		}
	}
	return nil
}

// filePolicy is a policy of a file: how the file is called, and its text, which has the
// policy itself and its name with it.
type filePolicy struct{ file, source *value }

// loadPolicy loads the policy that a scenario names by file, nil for none.
func loadPolicy(scenario string, file, source, name *value, names Names) (*filePolicy, *Error) {
	const path = "destination.policy."
	if file.textOr("") == "" {
		if source.textOr("") != "" {
			return nil, source.position().fault(path+"source", "add file: the name to show in errors", "source stands without file")
		}
		return nil, nil
	}
	if names.Files == nil {
		return nil, file.pos.fault(path+"file", "choose a built-in policy", "policies from files are not taken here")
	}
	where := file.text()
	own := where[strings.LastIndexAny(where, `/\`)+1:]
	stem := strings.TrimSuffix(own, ".star")
	switch {
	case !namePattern.MatchString(stem):
		return nil, file.pos.fault(path+"file", "name the file with lower-case letters, digits, '-' and '_'", "a policy cannot be called %q", stem)
	case slices.Contains(names.Policies, stem):
		return nil, file.pos.fault(path+"file", "give the file another name", "%s is the name of a built-in policy", stem)
	case name != nil && name.text() != stem:
		return nil, name.pos.fault(path+"name", "take one of them out", "the policy has the name %s and the file %s", name.text(), own)
	}
	policy := find("destination.policy")
	if source.textOr("") == "" {
		data, err := names.Files.Read(scenario, where)
		if err != nil {
			return nil, file.pos.fault(path+"file", "give a file (with / or .star in it), or the name of a shipped one", "cannot read the policy: %v", err)
		}
		if at, bad := invalidUTF8(data); bad {
			return nil, file.pos.fault(path+"file", "save it as UTF-8", "%s:%d:%d: this is not UTF-8", own, at.line, at.column)
		}
		source = &value{spec: policy.child("source"), pos: file.pos, scalar: string(data)}
		if source.text() == "" {
			source.scalar = "\n" // an empty text would be none
		}
	}
	maker, err := names.Files.Load(own, []byte(source.text()))
	if err != nil {
		return nil, file.pos.fault(path+"file", "", "%v", err)
	}
	shown, text := *file, *source
	shown.scalar = own
	text.maker = maker
	text.policyName = &value{spec: policy.child("name"), pos: file.pos, scalar: stem, ofFile: true}
	return &filePolicy{&shown, &text}, nil
}

// textOr returns a value's text, or the given one for none.
func (v *value) textOr(none string) string {
	if v == nil {
		return none
	}
	return v.text()
}

// isPolicy tells whether v is a policy, in either arm.
func (v *value) isPolicy() bool { return v.spec.dotted() == "destination.policy" }

// builtIn returns a policy without the file that another name takes the place of.
func (v *value) builtIn() *value {
	c := v
	for _, key := range []string{"file", "source"} {
		if v.at(key) != nil {
			c = c.replace(key, defaults()[v.spec.child(key)])
		}
	}
	return c
}

// verbatim checks text that is kept as it is.
func verbatim(text string) (problem, mend string) {
	if len(text) > maxSource {
		return fmt.Sprintf("has %d bytes", len(text)), fmt.Sprintf("at most %d are taken", maxSource)
	}
	for _, r := range text {
		if r != '\n' && r != '\t' && r != '\r' && !unicode.IsPrint(r) {
			return fmt.Sprintf("contains the control character %U", r), "take it out"
		}
	}
	return "", ""
}
