package reports

import (
	"fmt"
	"image/color"

	"multihome.i2p/analysis/result"
)

// A role is a colour by purpose. A plot is drawn in the light colours; each
// drawn element also carries the role's class, through which a style sheet
// gives it the dark one.
type role struct {
	class string
	light color.RGBA
	dark  string
}

// The neutral roles. Their light colours double as keys that svg.go finds
// them by, so no two roles may share one.
var (
	inkRole  = role{"mh-ink", rgb(0x1b1f24), "#e8eaed"}  // titles and legends
	softRole = role{"mh-soft", rgb(0x57606a), "#a3abb5"} // axes and their numbers
	gridRole = role{"mh-grid", rgb(0xe3e6ea), "#2f353d"}
	// paperRole is what lies behind a plot and inside hollow markers.
	paperRole = role{"mh-paper", rgb(0xfefefe), "#14171c"}
)

// seriesRoles are the colours of Okabe and Ito. On a dark page, blue and black
// give way to their light neighbours, and the first pair stays a blue and an
// orange.
var seriesRoles = []role{
	{"mh-s0", rgb(0x0072b2), "#56b4e9"},
	{"mh-s1", rgb(0xd55e00), "#e69f00"},
	{"mh-s2", rgb(0x009e73), "#009e73"},
	{"mh-s3", rgb(0xcc79a7), "#cc79a7"},
	{"mh-s4", rgb(0xe69f00), "#d55e00"},
	{"mh-s5", rgb(0x56b4e9), "#0072b2"},
	{"mh-s6", rgb(0x000000), "#f0e442"},
}

func allRoles() []role {
	return append([]role{inkRole, softRole, gridRole, paperRole}, seriesRoles...)
}

func rgb(v uint32) color.RGBA {
	return color.RGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// rolesFor gives each series a colour: the first of each arm has that arm's in
// every figure, further ones take what no arm owns.
func rolesFor(series []result.Series) []role {
	own := []result.Arm{result.Policy, result.Reference, result.Measured}
	free := len(own)
	taken := make(map[result.Arm]bool)
	roles := make([]role, len(series))
	for i, s := range series {
		at := free
		for j, arm := range own {
			if s.Arm == arm && !taken[arm] {
				at = j
			}
		}
		if at == free {
			free++
			if free == len(seriesRoles) {
				free = len(own)
			}
		}
		taken[s.Arm] = true
		roles[i] = seriesRoles[at]
	}
	return roles
}

// paletteCSS sets the roles' colours below the selector: the light ones, and
// the dark ones on a screen that prefers dark. A printer always gets light.
func paletteCSS(selector string) string {
	light, dark := "", ""
	for _, r := range allRoles() {
		light += fmt.Sprintf("%s .%s-f{fill:%s}%s .%s-s{stroke:%s}\n", selector, r.class, hex(r.light), selector, r.class, hex(r.light))
		dark += fmt.Sprintf("%s .%s-f{fill:%s}%s .%s-s{stroke:%s}\n", selector, r.class, r.dark, selector, r.class, r.dark)
	}
	return light + "@media screen and (prefers-color-scheme:dark){\n" + dark + "}\n"
}
