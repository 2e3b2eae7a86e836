package main

// KeysCmd is `cloakroom keys`.
type KeysCmd struct {
	CreateMaster KeysCreateMasterCmd `cmd:"" help:"Make a master key where it is to be kept, and try it. Needs no database."`
}
