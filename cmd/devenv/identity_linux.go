package main

import (
	"context"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// chooseIdentity tries the ways in the order of how little they change: as we are; as another uid inside a user
// namespace, where every file on disk still belongs to us and nothing is handed over; and, where namespaces are
// refused (containers, chroots) or cannot reach the folders, as the account postgres or nobody.
// data is the cluster's folder, existing or not, and parent the one it lies in.
func chooseIdentity(ctx context.Context, program, data, parent string) (identity, error) {
	uid := os.Getuid()
	_, err := user.LookupId(strconv.Itoa(uid))
	if uid != 0 && err == nil {
		return identity{}, nil
	}
	info, err := os.Lstat(data)
	namespaced := inNamespace()
	if err != nil || ownedBy(info, uid) {
		if namespaced.can(ctx, program, parent) == nil {
			return namespaced, nil
		}
	}
	if uid != 0 {
		return identity{}, errNoIdentity
	}
	return asOther()
}

// inNamespace maps our uid to 1, which is neither root nor without a name: Debian and its kin call it daemon, and
// initdb wants one.
func inNamespace() identity {
	return identity{attr: syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 1, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 1, HostID: os.Getgid(), Size: 1}},
	}}
}

// asOther drops root's credentials.
func asOther() (identity, error) {
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
		if uidErr != nil || gidErr != nil || uid == 0 {
			continue
		}
		owner := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{}}
		return identity{attr: syscall.SysProcAttr{Credential: owner}, owner: owner}, nil
	}
	return identity{}, errNoIdentity
}
