package testnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"syscall"
)

const supported = true

// spawner starts children on one thread that never ends. A child that wants to
// be told of its parent's death (Pdeathsig) is told of the death of the thread
// that started it, and Go may end a thread whose goroutine has.
var spawner = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

// onSpawner runs start on the thread that children are started from.
func onSpawner(start func() error) error {
	done := make(chan error)
	spawner() <- func() { done <- start() }
	return <-done
}

// childAttr makes a child die with this process.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// namespaceAttr starts a child in a network namespace of its own; unless root,
// in a user namespace too, where it is root. A detached child has a session of
// its own, away from this terminal and its ^C; another one dies with this process.
func namespaceAttr(user, detached bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Setsid: detached}
	if !detached {
		attr.Pdeathsig = syscall.SIGKILL
	}
	if user {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

func signalPID(pid int, s syscall.Signal) error { return syscall.Kill(pid, s) }

const (
	sigFreeze = syscall.SIGSTOP
	sigThaw   = syscall.SIGCONT
	sigKill   = syscall.SIGKILL
	sigHup    = syscall.SIGHUP
	sigEnd    = syscall.SIGTERM
)

// lock takes the lock of a file, which stays with the open file, and so with a
// process that has inherited it. It reports false if another has it.
func lock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// closeOnExec keeps an inherited file from being inherited again.
func closeOnExec(f *os.File) { syscall.CloseOnExec(int(f.Fd())) }

// raiseLoopback brings up the loopback device with the network of the routers:
// on loopback all addresses of a network are one's own.
func raiseLoopback() error {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	order := binary.NativeEndian
	// struct ifinfomsg: family, padding, type, index, flags, change
	link := make([]byte, syscall.SizeofIfInfomsg)
	order.PutUint32(link[4:], uint32(lo.Index))
	order.PutUint32(link[8:], syscall.IFF_UP)
	order.PutUint32(link[12:], syscall.IFF_UP)
	if err := netlink(syscall.NETLINK_ROUTE, syscall.RTM_NEWLINK, 0, link); err != nil {
		return fmt.Errorf("lo up: %w", err)
	}

	// struct ifaddrmsg: family, prefix length, flags, scope, index; attributes
	addr := make([]byte, syscall.SizeofIfAddrmsg)
	addr[0], addr[1], addr[3] = syscall.AF_INET, 24, syscall.RT_SCOPE_HOST
	order.PutUint32(addr[4:], uint32(lo.Index))
	for _, attr := range []uint16{syscall.IFA_LOCAL, syscall.IFA_ADDRESS} {
		addr = order.AppendUint16(addr, syscall.SizeofRtAttr+4)
		addr = order.AppendUint16(addr, attr)
		addr = append(addr, 198, 18, 0, 1)
	}
	err = netlink(syscall.NETLINK_ROUTE, syscall.RTM_NEWADDR, syscall.NLM_F_CREATE|syscall.NLM_F_EXCL, addr)
	if err != nil && !errors.Is(err, syscall.EEXIST) { // a second network after a first
		return fmt.Errorf("address of lo: %w", err)
	}
	return nil
}

// From linux/sock_diag.h, linux/netlink.h and linux/inet_diag.h.
const (
	netlinkSockDiag = 4
	sockDestroy     = 21
	diagNoCookie    = ^uint32(0)
)

// destroyTCP aborts a TCP connection of this namespace, of which src is either
// end; both ends see a reset. The error is ENOENT if there is no such connection
// (any more), and EOPNOTSUPP where the kernel cannot do it.
func destroyTCP(src, dst netip.AddrPort) error {
	// struct inet_diag_req_v2: family, protocol, extensions, padding, states,
	// and struct inet_diag_sockid: ports, addresses, interface, cookie
	order := binary.NativeEndian
	req := []byte{syscall.AF_INET, syscall.IPPROTO_TCP, 0, 0}
	req = order.AppendUint32(req, ^uint32(0))
	req = binary.BigEndian.AppendUint16(req, src.Port())
	req = binary.BigEndian.AppendUint16(req, dst.Port())
	for _, a := range []netip.AddrPort{src, dst} {
		ip := a.Addr().Unmap().As4()
		req = append(append(req, ip[:]...), make([]byte, 12)...)
	}
	req = order.AppendUint32(req, 0)
	req = order.AppendUint32(req, diagNoCookie)
	req = order.AppendUint32(req, diagNoCookie)
	return netlink(netlinkSockDiag, sockDestroy, 0, req)
}

func unsupported(err error) bool {
	return errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.EPERM)
}

// netlink sends one request, and waits for its acknowledgement.
func netlink(protocol int, typ, flags uint16, body []byte) error {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, protocol)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer func() { _ = syscall.Close(fd) }()
	order := binary.NativeEndian
	msg := make([]byte, 0, syscall.NLMSG_HDRLEN+len(body))
	msg = order.AppendUint32(msg, uint32(syscall.NLMSG_HDRLEN+len(body)))
	msg = order.AppendUint16(msg, typ)
	msg = order.AppendUint16(msg, flags|syscall.NLM_F_REQUEST|syscall.NLM_F_ACK)
	msg = order.AppendUint32(msg, 1) // sequence number
	msg = order.AppendUint32(msg, 0) // port
	msg = append(msg, body...)
	if err := syscall.Sendto(fd, msg, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	buf := make([]byte, 4096)
	n, _, err := syscall.Recvfrom(fd, buf, 0)
	if err != nil {
		return os.NewSyscallError("recvfrom", err)
	}
	answers, err := syscall.ParseNetlinkMessage(buf[:n])
	if err != nil {
		return err
	}
	for _, a := range answers {
		if a.Header.Type == syscall.NLMSG_ERROR && len(a.Data) >= 4 {
			if errno := int32(order.Uint32(a.Data)); errno != 0 {
				return syscall.Errno(-errno)
			}
			return nil
		}
	}
	return errors.New("netlink: no acknowledgement")
}
