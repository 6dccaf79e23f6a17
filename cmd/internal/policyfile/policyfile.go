// Package policyfile finds the Starlark policies that scenarios and configurations
// name.
package policyfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"multihome.i2p/balancer/policy/starlark"
)

// IsPath tells the path of a policy from the name of a shipped one.
func IsPath(file string) bool {
	return strings.ContainsAny(file, `/\`) || strings.HasSuffix(file, ".star")
}

// Read returns the policy that the file by names: a path from that file's folder, or
// a shipped one.
func Read(by, file string) ([]byte, error) {
	if !IsPath(file) {
		source, ok := starlark.Source(file)
		if !ok {
			return nil, fmt.Errorf("no policy of the name %q ships (there are %s)", file, strings.Join(starlark.Shipped(), ", "))
		}
		return source, nil
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(by), file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, starlark.MaxSource+1))
	if err == nil && len(data) > starlark.MaxSource {
		err = fmt.Errorf("%s has more than %d bytes", file, starlark.MaxSource)
	}
	return data, err
}
