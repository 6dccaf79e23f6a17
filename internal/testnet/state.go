package testnet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The files in the directory of a network that runs in the background.
const (
	stateName      = "testnet.json"
	controlName    = "testnet.sock"
	supervisorName = "supervisor.log"
)

const (
	stateFormat  = "multihome-testnet"
	stateVersion = 1
)

// A Detached is a network in the background, as its state file tells. All paths
// are absolute.
type Detached struct {
	Format     string           `json:"format"` // multihome-testnet
	Version    int              `json:"version"`
	Dir        string           `json:"dir"`
	I2pd       string           `json:"i2pd"`         // the program
	I2pdVer    string           `json:"i2pd_version"` // 2.45.1
	Started    time.Time        `json:"started"`
	Ready      bool             `json:"ready"` // it has been of use once
	Supervisor Process          `json:"supervisor"`
	Routers    []DetachedRouter `json:"routers"`
}

// A Process names a process for as long as the machine runs: ids are used again.
type Process struct {
	PID   int    `json:"pid"`   // 0 if there is none
	Start uint64 `json:"start"` // clock ticks since the machine's boot (proc(5), stat, field 22)
}

// A DetachedRouter is a router of a network in the background.
type DetachedRouter struct {
	Name      string  `json:"name"` // r0
	Hash      string  `json:"hash"` // I2P base64
	Floodfill bool    `json:"floodfill"`
	Address   string  `json:"address"` // inside; 198.18.0.10
	I2CP      string  `json:"i2cp"`    // outside; 127.0.0.1:17654
	Console   string  `json:"console"` // outside; http://127.0.0.1:17070/
	Dir       string  `json:"dir"`
	Log       string  `json:"log"`
	State     State   `json:"state"`
	Process   Process `json:"process"`
}

// Router returns the router of that name, nil if there is none.
func (d *Detached) Router(name string) *DetachedRouter {
	for i := range d.Routers {
		if d.Routers[i].Name == name {
			return &d.Routers[i]
		}
	}
	return nil
}

func readState(dir string) (*Detached, error) {
	path := filepath.Join(dir, stateName)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d := new(Detached)
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(d); err != nil {
		return nil, fmt.Errorf("testnet: %s: %w", path, err)
	}
	if d.Format != stateFormat || d.Version != stateVersion {
		return nil, fmt.Errorf("testnet: %s: format %q version %d, not %q version %d: made by another version of this program",
			path, d.Format, d.Version, stateFormat, stateVersion)
	}
	return d, nil
}

// write replaces the state file: a reader sees the old or the new one.
func (d *Detached) write() error {
	b, err := json.MarshalIndent(d, "", "\t")
	if err != nil {
		return err
	}
	path := filepath.Join(d.Dir, stateName)
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// processOf reads when a process has started, and its state: one letter of
// proc(5). ok is false if there is no such process or it is a zombie.
func processOf(pid int) (p Process, state byte, ok bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return p, 0, false
	}
	return parseStat(pid, string(b))
}

func parseStat(pid int, stat string) (p Process, state byte, ok bool) {
	// The second field is the program's name, in which anything may be.
	end := strings.LastIndexByte(stat, ')')
	if end < 0 {
		return p, 0, false
	}
	f := strings.Fields(stat[end+1:])
	if len(f) < 20 || len(f[0]) != 1 || f[0] == "Z" || f[0] == "X" {
		return p, 0, false
	}
	start, err := strconv.ParseUint(f[19], 10, 64)
	if err != nil {
		return p, 0, false
	}
	return Process{PID: pid, Start: start}, f[0][0], true
}

// alive reports whether the process still runs, and its state.
func (p Process) alive() (state byte, ok bool) {
	if p.PID <= 0 {
		return 0, false
	}
	now, state, ok := processOf(p.PID)
	return state, ok && now == p
}

// kill ends the process if it still runs.
func (p Process) kill() error {
	if _, ok := p.alive(); !ok {
		return nil
	}
	return signalPID(p.PID, sigKill)
}
