package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"multihome.i2p/balancer/live"
	"multihome.i2p/balancer/policy"
	"multihome.i2p/balancer/policy/starlark"
	"multihome.i2p/cmd/internal/policyfile"
	"multihome.i2p/i2cp/wire"
)

// Bounds of the files that a configuration names.
const (
	maxKeyFile      = 64 << 10 // the largest key of any type has a few kB
	maxPasswordFile = 4 << 10
)

// ErrReadable is why a file with a secret is refused that others may read.
var ErrReadable = errors.New("others can read it")

// Read reads and parses the configuration in a file. It does not open the files
// that the configuration names.
func Read(file string) (*Config, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; name the configuration with -c FILE, or let mhbalance init write one", err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	return Parse(file, data)
}

// Live opens the keys and the passwords and returns what the balancer is run
// with. The error is an [Errors]; it never quotes a secret.
func (c *Config) Live() (live.Config, error) {
	r := &reader{file: c.File}
	out := live.Config{State: c.State, LoadPolicy: LoadPolicy}
	for i := range c.Routers {
		out.Routers = append(out.Routers, c.Routers[i].live(r))
	}
	owner := map[wire.Hash]int{}
	for i := range c.Destinations {
		d := &c.Destinations[i]
		keys, ok := d.keys(r)
		if !ok {
			continue
		}
		h := keys.Destination.Hash()
		if line, twice := owner[h]; twice {
			r.fault(d.position("key"), "make another with mhbalance keygen FILE", "%s holds the same key as that of line %d", d.Key, line)
		} else {
			owner[h] = d.position("key").line
		}
		for _, x := range []struct{ key, path string }{{"trace", d.Trace}, {"record", d.Record}} {
			if x.path == "" {
				continue
			}
			if info, err := os.Stat(filepath.Dir(x.path)); err != nil || !info.IsDir() {
				r.fault(d.position(x.key), "make it, or choose another place", "%s lies in no directory that there is", x.path)
			}
		}
		out.Destinations = append(out.Destinations, live.Destination{
			Name: d.Name, Keys: keys, Leases: d.Leases, Target: d.Target,
			Policy: d.policy(r),
			Trace:  d.Trace, Record: d.Record, Hops: d.Hops, Outbound: d.Outbound,
		})
	}
	if len(r.errs) > 0 {
		return live.Config{}, r.errs.sorted()
	}
	return out, nil
}

// LoadPolicy makes a policy of a user's file.
func LoadPolicy(file string, source []byte) (policy.Maker, error) {
	p, err := starlark.Load(file, source)
	if err != nil {
		return nil, err // not a nil *Program in an interface
	}
	return p, nil
}

// policy reads the file of the Destination's policy, if it has one.
func (d *Destination) policy(errs *reader) live.Policy {
	out := live.Policy{Name: d.Policy, Bundle: d.Bundle, Publisher: d.Publisher, Rotate: d.RotateKeys}
	if d.PolicyFile == "" {
		return out
	}
	source, err := policyfile.Read(errs.file, d.PolicyFile)
	if err != nil {
		errs.fault(d.position("policy.file"), "give a file (with / or .star in it), or the name of a shipped one", "policy: %v", err)
		return out
	}
	if _, err := starlark.Load(d.PolicyFile, source); err != nil {
		errs.fault(d.position("policy.file"), "mend it there", "policy: %v", err)
		return out
	}
	out.File, out.Source = d.PolicyFile, string(source)
	return out
}

// live opens the router's password and certificate.
func (r *Router) live(errs *reader) live.Router {
	out := live.Router{Name: r.Name, Address: r.Address, Weight: r.Weight, User: r.User, Password: r.password}
	if r.password != "" {
		if info, err := os.Stat(errs.file); err == nil && exposed(info) {
			errs.fault(r.position("password"), "chmod 600 "+errs.file+", or put the password into a password_file", "others can read this password")
		}
	}
	if r.PasswordFile != "" {
		text, err := ReadPassword(r.PasswordFile)
		if err != nil {
			errs.fault(r.position("password_file"), mendSecret(err, r.PasswordFile, "write the password into it"), "password_file: %v", err)
		}
		out.Password = text
	}
	if r.TLS {
		out.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		if r.Certificate != "" {
			pinned, err := readCertificates(r.Certificate)
			if err != nil {
				errs.fault(r.position("certificate"), "name the router's own certificate, in PEM", "certificate: %v", err)
			}
			out.TLS = pinTo(pinned)
		}
	}
	return out
}

// pinTo accepts the given certificates and no others. Routers sign their
// certificates themselves, for names that are not those they are reached by: the
// certificate itself is what tells them from others.
func pinTo(certificates [][]byte) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // VerifyConnection is stricter
		VerifyConnection: func(state tls.ConnectionState) error {
			for _, c := range certificates {
				if len(state.PeerCertificates) > 0 && bytes.Equal(state.PeerCertificates[0].Raw, c) {
					return nil
				}
			}
			return errors.New("the router shows another certificate than the configured one")
		},
	}
}

func readCertificates(file string) ([][]byte, error) {
	data, err := readSmall(file, maxKeyFile)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, c.Raw)
	}
	if all == nil {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return all, nil
}

// keys reads the keys of a Destination.
func (d *Destination) keys(errs *reader) (wire.PrivateKeyFile, bool) {
	keys, err := ReadKeys(d.Key)
	if err != nil {
		errs.fault(d.position("key"), mendSecret(err, d.Key, "make it with mhbalance keygen "+d.Key), "key: %v", err)
		return keys, false
	}
	if keys.IsOffline() {
		if left := time.Until(time.Unix(int64(keys.Offline.Signature.Expires), 0)); left <= 0 {
			errs.fault(d.position("key"), "make a new transient key", "key: the transient key in %s has expired", d.Key)
			return keys, false
		}
	}
	return keys, true
}

// mendSecret says how to mend what is wrong with a file that holds a secret.
func mendSecret(err error, file, missing string) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missing
	case errors.Is(err, ErrReadable):
		return "chmod 600 " + file
	case errors.Is(err, fs.ErrPermission):
		return "let the user that runs mhbalance read it"
	case errors.Is(err, errKeys):
		return "name a private key file of mhbalance keygen, i2pd or Java I2P"
	}
	return "see that it is the right file"
}

var errKeys = errors.New("it holds no private keys of a Destination")

// ReadKeys reads a private key file: one of [WriteKeys], of i2pd or of Java I2P.
// It refuses a file that others can read, with [ErrReadable].
func ReadKeys(file string) (wire.PrivateKeyFile, error) {
	data, err := readSecret(file, maxKeyFile)
	if err != nil {
		return wire.PrivateKeyFile{}, err
	}
	keys, rest, err := wire.ParsePrivateKeyFile(data)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes follow the keys", len(rest))
	}
	if err == nil {
		_, err = keys.Signer()
	}
	if err != nil {
		return wire.PrivateKeyFile{}, fmt.Errorf("%s: %w (%w)", file, errKeys, err)
	}
	return keys.Clone(), nil
}

// WriteKeys writes keys into a new file that only its owner may read. It never
// overwrites one: whoever loses a key loses the address.
func WriteKeys(file string, keys wire.PrivateKeyFile) error {
	data, err := keys.Append(nil)
	if err != nil {
		return err
	}
	return WriteNew(file, data, 0o600)
}

// WriteNew writes a new file, whole and on the disk, or none.
func WriteNew(file string, data []byte, mode os.FileMode) (err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if failed := f.Close(); err == nil {
			err = failed
		}
		if err != nil {
			err = errors.Join(err, os.Remove(file))
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// ReadPassword reads a password, the first line of a file that only its owner
// may read.
func ReadPassword(file string) (string, error) {
	data, err := readSecret(file, maxPasswordFile)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", fmt.Errorf("%s: the first line is empty", file)
	}
	return line, nil
}

func readSecret(file string, most int64) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if exposed(info) {
		return nil, fmt.Errorf("%s: %w (mode %04o)", file, ErrReadable, info.Mode().Perm())
	}
	return readSmall(file, most)
}

// exposed reports whether others than the owner may read or write a file.
func exposed(info os.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0
}

func readSmall(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s has more than %d bytes", file, most)
	}
	return data, err
}
