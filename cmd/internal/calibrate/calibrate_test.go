package calibrate

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"multihome.i2p/analysis"
	"multihome.i2p/i2cp/wire"
)

var update = flag.Bool("update", false, "write the golden files; read the diff before you commit it")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; got:\n%s", file, got)
	}
}

// identityOf makes synthetic router n.
func identityOf(n int) (wire.RouterIdentity, wire.SigningPrivateKey) {
	seed := sha256.Sum256([]byte(fmt.Sprint("key ", n)))
	key, err := wire.NewSigningPrivateKey(wire.SigEd25519, seed[:])
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	id, err := wire.NewRouterIdentity(key.Public(), wire.EncryptionKey{Type: wire.EncX25519, Key: seed[:]}, seed)
	if err != nil {
		panic(err)
	}
	return id, key
}

// hash is the hash of synthetic router n.
func hash(n int) wire.Hash {
	id, _ := identityOf(n)
	return id.Hash()
}

// profilesPage is a synthetic page in the markup of Java I2P 2.8.0: fast peers,
// further ones of high capacity, and others that ?f=1 shows.
type profilesPage struct {
	ident               string
	fast, high, others  []int
	words               [4]string // groups, and the threshold's nouns
	countFast, countAll int       // what the thresholds say, where it is not the truth
}

var english = [4]string{"Fast, High Capacity", "High Capacity", "fast peers", "high capacity peers"}

func (p profilesPage) html() string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html><head>\n<title>peer profiles</title></head><body>\n")
	if p.ident != "" {
		fmt.Fprintf(&b, "<h3><a href=\"/netdb?r=.\" target=\"_top\" title=\"Your Local Identity [%s] is your unique I2P router identity.\">Local Identity</a></h3>\n", p.ident)
	}
	b.WriteString("<div class=\"main\" id=\"profiles\"><p id=\"profiles_overview\" class=\"infohelp\">Showing profiles.\n</p>")
	b.WriteString("<div class=\"widescroll\"><table id=\"profilelist\"><tr><th>Peer</th><th>Groups</th><th>Caps</th><th>Version</th><th>Speed</th><th>Capacity</th><th>Integration</th><th>Status</th><th>View/Edit</th></tr>")
	tier := 1
	row := func(n, group int, text string) {
		if group != tier {
			b.WriteString("<tr><td colspan=\"9\"><hr></td></tr>\n")
		}
		tier = group
		h := hash(n).String()
		fmt.Fprintf(&b, "<tr><td align=\"center\" nowrap><img height=\"11\" width=\"16\" alt=\"DE\" title=\"Germany\" src=\"/flags.jsp?c=de\"> <tt><a title=\"NetDb entry\" href=\"netdb?r=%s\">%s</a></tt></td><td align=\"center\">%s", h, h[:4], text)
		caps := "XR"
		if n%5 == 0 {
			caps = "PU"
		}
		if n%11 == 0 {
			b.WriteString("<td></td><td align=\"right\"></td>")
		} else {
			fmt.Fprintf(&b, "<td align=\"right\">%s<td align=\"right\">0.9.65</td>", caps)
		}
		b.WriteString("<td align=\"right\">12,345.67</td><td align=\"right\">8.15 (+1)</td><td align=\"right\">--</td><td align=\"center\">OK&nbsp;</td>")
		fmt.Fprintf(&b, "<td nowrap align=\"center\"><a href=\"viewprofile?peer=%s\">profile</a>&nbsp;<a title=\"Configure peer\" href=\"configpeer?peer=%s\">+-</a></td>\n</tr>", h, h)
	}
	words := p.words
	if words[0] == "" {
		words = english
	}
	for _, n := range p.fast {
		row(n, 1, words[0])
	}
	for _, n := range p.high {
		row(n, 2, words[1])
	}
	for _, n := range p.others {
		row(n, 3, "")
	}
	fast, all := len(p.fast), len(p.fast)+len(p.high)
	if p.countAll > 0 {
		fast, all = p.countFast, p.countAll
	}
	fmt.Fprintf(&b, "</table></div><h3 class=\"tabletitle\">Thresholds</h3>\n<table id=\"thresholds\"><tbody><tr><th><b>Speed: </b>1,234.00</th><th><b>Capacity: </b>5.00</th><th><b>Integration: </b>1.00</th></tr><tr><td>%d %s</td><td>%d %s</td><td>3 integrated peers</td></tr></tbody></table>\n", fast, words[2], all, words[3])
	b.WriteString("<h3 class=\"tabletitle\">Definitions</h3>\n<table id=\"profile_defs\"><tbody><tr><td><b>Groups:</b></td><td>as determined by the profile organizer</td></tr></tbody></table>\n</div></body></html>\n")
	return b.String()
}

// tunnelsPage is a synthetic page of tunnels: an exploratory pool, and one client with
// in inbound and out outbound tunnels of 3 hops.
func tunnelsPage(in, out int) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html><body>\n<h3 class=\"tabletitle\" id=\"exploratorytunnels\"><a name=\"exploratory\" ></a>Exploratory tunnels</h3>\n")
	table := func(in, out, hops int) {
		b.WriteString("<table class=\"tunneldisplay tunnels_client\"><tr><th title=\"Inbound or outbound?\">In/Out</th><th>Expiration</th><th>Usage</th><th>Gateway</th></tr>\n")
		for i := range in + out {
			dir := "inbound"
			if i >= in {
				dir = "outbound"
			}
			fmt.Fprintf(&b, "<tr><td class=\"cells\" align=\"center\"><img src=\"/themes/console/images/%s.png\" alt=\"x\" title=\"x\"></td><td class=\"cells\" align=\"center\">7 min</td>\n<td class=\"cells\" align=\"center\">0B</td>\n", dir)
			for k := range hops {
				h := hash(100 + i + k).String()
				fmt.Fprintf(&b, " <td class=\"cells\" align=\"center\"><span class=\"tunnel_peer\"><tt><a title=\"NetDb entry\" href=\"netdb?r=%s\">%s</a></tt></span>&nbsp;<span class=\"nowrap\"><span class=\"tunnel_id\" title=\"Tunnel identity\"> 123</span><b class=\"tunnel_cap\" title=\"Bandwidth tier\">X</b></span></td>", h, h[:4])
			}
			b.WriteString(" <td class=\"cells\" align=\"center\"><span class=\"tunnel_peer tunnel_local\" title=\"Locally hosted tunnel\">Local</span>&nbsp;<span class=\"tunnel_id\" title=\"Tunnel identity\">42</span><b class=\"tunnel_cap\" title=\"Bandwidth tier\"></b></td></tr>\n")
		}
		b.WriteString("</table>\n<div class=\"statusnotes\"><center><b>Lifetime bandwidth usage:&nbsp;&nbsp;1KB in, 2KB out</b></center></div>")
	}
	table(2, 2, 2)
	b.WriteString("<h3 class=\"tabletitle\" id=\"AbCd\" >Client tunnels for web <a href=\"/configtunnels#AbCd\" title=\"Configure tunnels for session\">[configure]</a></h3>\n")
	table(in, out, 3)
	b.WriteString("<h3 class=\"tabletitle\" id=\"participating\">Participating tunnels</h3>\n<table class=\"tunneldisplay tunnels_participating\"><tr><th>Receive on</th></tr>\n</table>\n</body></html>\n")
	return b.String()
}

// routerInfo makes a RouterInfo of a synthetic router, signed.
func routerInfo(t testing.TB, n int, published time.Time, caps, version, host string) (name string, data []byte) {
	t.Helper()
	id, key := identityOf(n)
	mapping := func(pairs map[string]string) wire.Mapping {
		m, err := wire.NewMapping(pairs)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	address := map[string]string{"s": "c3RhdGlj", "v": "2"}
	if host != "" {
		address["host"], address["port"] = host, "12345"
	}
	ri := &wire.RouterInfo{
		Identity: id, Published: wire.DateOf(published),
		Addresses: []wire.RouterAddress{{Cost: 14, Transport: "NTCP2", Options: mapping(address)}},
		Options:   mapping(map[string]string{"caps": caps, "router.version": version, "netId": "2"}),
	}
	if err := ri.Sign(key); err != nil {
		t.Fatal(err)
	}
	data, err := ri.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return fileBegin + id.Hash().String() + fileEnd, data
}

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func numbers(from, to int) (all []int) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

func parse(t testing.TB, file, text string) *Page {
	t.Helper()
	p, err := ParsePage(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParsePage(t *testing.T) {
	for name, text := range map[string]string{
		"plain":  profilesPage{fast: numbers(0, 14), high: numbers(14, 40)}.html(),
		"others": profilesPage{fast: numbers(0, 14), high: numbers(14, 40), others: numbers(40, 50)}.html(),
		"german": profilesPage{
			fast: numbers(0, 14), high: numbers(14, 40),
			words: [4]string{"Schnell, Hohe Kapazität", "Hohe Kapazität", "schnelle Teilnehmer", "Teilnehmer mit hoher Kapazität"},
		}.html(),
		// What a browser saves: links in full, escaped; ends of cells and bodies of
		// tables put in.
		"browser": strings.NewReplacer(`href="netdb?r=`, `href="http://127.0.0.1:7657/netdb?r=`, "=\">", "%3D\">", "<td align=\"right\">XR<td", "<td align=\"right\">XR</td>\n<td",
			"<table id=\"profilelist\">", "<TABLE class=\"x\" id='profilelist'><tbody>").Replace(profilesPage{fast: numbers(0, 14), high: numbers(14, 40)}.html()),
	} {
		p := parse(t, name, text).Profiles
		if p.Fast != 14 || len(p.Peers) != 40 {
			t.Fatalf("%s: %d fast of %d", name, p.Fast, len(p.Peers))
		}
		for i, peer := range p.Peers {
			caps := "XR"
			if i%5 == 0 {
				caps = "PU"
			}
			if i%11 == 0 {
				caps = ""
			}
			if peer.Hash != hash(i) || peer.Caps != caps {
				t.Fatalf("%s: peer %d is %+v", name, i, peer)
			}
		}
	}
	all := parse(t, "all", profilesPage{fast: numbers(0, 12)}.html())
	if all.Profiles.Fast != 12 || len(all.Profiles.Peers) != 12 || all.Ident != "" {
		t.Errorf("%+v", all)
	}
	if p := parse(t, "ident", profilesPage{ident: "Ab~-", fast: numbers(0, 12)}.html()); p.Ident != "Ab~-" {
		t.Errorf("ident %q", p.Ident)
	}
	tunnels := parse(t, "tunnels", tunnelsPage(4, 3))
	if len(tunnels.Pools) != 1 || tunnels.Pools[0] != (Pool{Inbound: 4, Outbound: 3, Hops: [8]int{3: 7}}) || tunnels.Profiles != nil {
		t.Errorf("%+v", tunnels)
	}
}

func TestParsePageErrors(t *testing.T) {
	good := profilesPage{fast: numbers(0, 14), high: numbers(14, 40)}
	cut := good.html()
	twice := good
	twice.high = append(numbers(14, 40), 3)
	moved := good
	moved.countFast, moved.countAll = 13, 40
	short := good
	short.countFast, short.countAll = 14, 90
	for want, text := range map[string]string{
		"p.html:1:1: neither a list of profiles nor one of tunnels is on the page; save /profiles or /tunnels of the router console, whole": "<html>\n",
		"p.html:1:1: this is not UTF-8; save the page again, as UTF-8":                                                                      "\xff\xfe<",
		"the page does not say how many peers are fast and how many of high capacity; save the whole page":                                  cut[:strings.Index(cut, "<h3 class=\"tabletitle\">Thr")],
		"p.html:47:1: the page counts 14 fast peers and 90 of high capacity, and lists 40; save the whole page":                             short.html(),
		"and draws its lines elsewhere; save it again: it was made while the router changed its tiers":                                      moved.html(),
		"p.html:46:6: peer " + hash(3).String()[:4] + " stands here and in line 8; save the page again":                                     twice.html(),
		"no peer is fast yet; save it when the router has run for an hour":                                                                  profilesPage{high: numbers(0, 5)}.html(),
		"76 peers are fast, and Java I2P takes at most 75":                                                                                  profilesPage{fast: numbers(0, 76)}.html(),
		"is no router's hash; save the page again":                                                                                          strings.Replace(cut, hash(5).String(), "AAAA", 1),
	} {
		p, err := ParsePage("p.html", []byte(text))
		var e *Error
		if p != nil || !errors.As(err, &e) || e.Line < 1 || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestNetDb(t *testing.T) {
	db := NewNetDb("netDb")
	add := func(n int, at time.Time, caps, version, host string) {
		t.Helper()
		name, data := routerInfo(t, n, at, caps, version, host)
		if err := db.Add("netDb/"+name, name, data); err != nil {
			t.Fatal(err)
		}
	}
	add(1, noon, "OR", "0.9.58", "1.2.3.4")                    // an inbound gateway
	add(2, noon.Add(-26*time.Hour), "fXR", "0.9.65", "::1")    // a hop, of IPv6 only
	add(3, noon.Add(-28*time.Hour), "XR", "0.9.65", "1.2.3.4") // too old
	add(4, noon, "LR", "0.9.65", "1.2.3.4")                    // slow
	add(5, noon, "XRD", "0.9.65", "1.2.3.4")                   // congested
	add(6, noon, "XRH", "0.9.65", "1.2.3.4")                   // hidden
	add(7, noon, "XR", "0.9.57", "1.2.3.4")                    // of an old version
	add(8, noon, "PU", "0.9.65", "")                           // a hop, firewalled
	add(9, noon, "XR", "1.0.0", "1.2.3.4")
	if err := db.Finish(); err != nil {
		t.Fatal(err)
	}
	if db.Known != 9 || db.Old != 1 || db.Hops != 4 || db.Last != 2 || !db.Newest.Equal(noon) {
		t.Errorf("%+v", db)
	}
	name, data := routerInfo(t, 20, noon, "OR", "0.9.58", "1.2.3.4")
	broken := slices.Clone(data)
	broken[len(broken)-70] ^= 1
	for want, c := range map[string]struct {
		name string
		data []byte
	}{
		"RouterIdentity": {name, data[:100]},
		"d/x.dat: byte " + fmt.Sprint(len(data)) + ": 1 bytes follow the RouterInfo; ": {name, append(slices.Clone(data), 0)},
		"it is the RouterInfo of":  {"routerInfo-x.dat", data},
		"its signature is wrong: ": {name, broken},
	} {
		err := db.Add("d/x.dat", c.name, c.data)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := db.Add("d/x.dat", name, data); err != nil {
		t.Fatal(err)
	}
	if err := db.Add("d/x.dat", name, data); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("got %v", err)
	}
	if err := NewNetDb("empty").Finish(); err == nil {
		t.Error("an empty directory is taken")
	}
}

func TestOverlap(t *testing.T) {
	router := func(tiers ...[]int) (r Router) {
		for i, fast := range tiers {
			r.Snapshots = append(r.Snapshots, Snapshot{parse(t, "p", profilesPage{fast: fast}.html()), noon.Add(time.Duration(i) * time.Hour)})
		}
		return r
	}
	two := []Router{router(numbers(0, 20), numbers(0, 20)), router(numbers(15, 35))}
	pairs, found := overlaps(two)
	if len(found) != 1 || found[0] != (overlap{5, 35, 0}) {
		t.Fatalf("%+v", found)
	}
	e := jaccard(2, pairs, found)
	if want := analysis.ClopperPearson(5, 35, 0.95); e.Center != want.Center || e.Lo != want.Lo || e.Hi != want.Hi || e.N != 1 {
		t.Errorf("got %+v, want %+v", e, want)
	}
	three := append(two, router(numbers(30, 50)))
	pairs, found = overlaps(three)
	if e := jaccard(3, pairs, found); len(found) != 3 || math.Abs(e.Center-10.0/110) > 1e-12 || !(e.Lo < 0.06 && e.Hi > 0.15) || e.N != 3 {
		t.Errorf("%+v", e)
	}
}

// The interval of the turnover holds the truth about as often as it says.
func TestTurnoverCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const trials, truth = 2000, 0.07
	held := 0
	for range trials {
		var found []step
		for range 4 {
			s := step{hours: 0.5 + 3*rng.Float64(), all: 21}
			for range s.all {
				if rng.Float64() < math.Pow(1-truth, s.hours) {
					s.stayed++
				}
			}
			found = append(found, s)
		}
		if e := turnover(found); e.Lo <= truth && truth <= e.Hi {
			held++
		}
	}
	// k = 3 standard errors of 2,000 trials at 0.95.
	if rate := float64(held) / trials; math.Abs(rate-0.95) > 3*math.Sqrt(0.95*0.05/trials)+0.005 {
		t.Errorf("the interval holds the truth in %.3f", rate)
	}
	if e := turnover([]step{{2, 10, 10}}); e.Center != 0 || e.Lo != 0 || !(e.Hi > 0.05 && e.Hi < 0.2) {
		t.Errorf("nothing gone: %+v", e)
	}
	if e := turnover([]step{{2, 0, 10}}); !(e.Center > 0.99 && e.Hi > 0.99 && e.Lo > 0.5) {
		t.Errorf("all gone: %+v", e)
	}
	if e := turnover([]step{{1, 18, 20}}); math.Abs(e.Center-0.1) > 1e-9 {
		t.Errorf("2 of 20 in an hour: %+v", e)
	}
	if e := turnover(nil); e.Defined() {
		t.Errorf("no spans: %+v", e)
	}
}

// fixtures are synthetic: two routers' pages, one of them at three times, a page of
// tunnels, and a small netDb.
func fixtures(t *testing.T) map[string][]byte {
	east := func(from int) string {
		return profilesPage{ident: "EASt", fast: numbers(from, from+20), high: numbers(60, 70), others: numbers(200, 203)}.html()
	}
	files := map[string][]byte{
		"east/2026-05-04T12-00.html":   []byte(east(1)),
		"east/2026-05-04T14-00.html":   []byte(east(3)),
		"east/2026-05-04T15-00.html":   []byte(east(4)),
		"east/tunnels.html":            []byte(tunnelsPage(4, 3)),
		"west-2026-05-04T15-03-20.htm": []byte(profilesPage{fast: numbers(20, 35), high: numbers(60, 68)}.html()),
	}
	for n := range 14 {
		caps, host := "XR", fmt.Sprintf("192.0.2.%d", n)
		if n%4 == 3 {
			caps, host = "LU", ""
		}
		name, data := routerInfo(t, n, noon.Add(time.Duration(n)*time.Minute), caps, "0.9.65", host)
		files["netDb/r"+name[len(fileBegin):len(fileBegin)+1]+"/"+name] = data
	}
	return files
}

// The fixtures in the tree are what this test makes: synthetic, in the true format.
func TestFixtures(t *testing.T) {
	for name, data := range fixtures(t) {
		golden(t, name, data)
	}
}

// FuzzParsePage: no page makes the parser panic; an error has a place and is one
// line; what is taken is whole.
func FuzzParsePage(f *testing.F) {
	f.Add([]byte(profilesPage{ident: "AbCd", fast: numbers(0, 3), high: numbers(3, 5), others: numbers(5, 6)}.html()))
	f.Add([]byte(tunnelsPage(2, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePage("fuzz.html", data)
		if err != nil {
			var e *Error
			if p != nil || !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Msg == "" || strings.ContainsAny(err.Error(), "\n\r") {
				t.Fatalf("%#v", err)
			}
			return
		}
		if pr := p.Profiles; pr != nil && (pr.Fast < 1 || pr.Fast > maxFast || pr.Fast > len(pr.Peers)) {
			t.Fatalf("%d fast of %d", pr.Fast, len(pr.Peers))
		}
	})
}

// FuzzNetDb: no RouterInfo makes Add panic; an error is one line.
func FuzzNetDb(f *testing.F) {
	name, data := routerInfo(f, 1, noon, "OR", "0.9.58", "1.2.3.4")
	f.Add(name, data)
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		db := NewNetDb("fuzz")
		var e *Error
		if err := db.Add("fuzz/x", name, data); err != nil && (!errors.As(err, &e) || strings.ContainsAny(err.Error(), "\n\r")) {
			t.Fatalf("%#v", err)
		} else if err == nil && (db.Finish() != nil || db.Known != 1) {
			t.Fatal("taken, and not there")
		}
	})
}
