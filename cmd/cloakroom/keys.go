package main

// KeysCmd is `cloakroom keys`.
type KeysCmd struct {
	Status       KeysStatusCmd       `cmd:"" help:"Show generations and epochs with their ages, rows and next rotation, who holds keys, and open jobs."`
	CreateMaster KeysCreateMasterCmd `cmd:"" help:"Make a master key where it is to be kept, and try it. Needs no database."`
}
