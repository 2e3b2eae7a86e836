package masking

import "github.com/cloakroom/cloakroom/chat"

// DecideAttribute says whether the viewer sees values of a custom attribute that do not look like an address. Who does
// not see attributes sees those that a super admin has decided are not personal, and none where that could not be read.
// What is no custom attribute, such as a social profile, has no model and is always personal.
func DecideAttribute(v *chat.Viewer, accountID int64, model chat.AttributeModel, key string) Verdict {
	if Decide(v, accountID, chat.Attribute) == Show {
		return Show
	}
	account, ok := v.Account(accountID)
	if !ok || model == "" || v.Policy != chat.PolicyRead || account.Settings.Search.Mode == "" {
		return Hide
	}
	return verdict(!account.Settings.Search.Attribute(model, key).Personal)
}

// Attribute says whether the viewer sees the value of an attribute: what is not personal is hidden all the same where
// it, or its key, looks as if it held an address.
func Attribute(v *chat.Viewer, a *chat.CustomAttribute) Verdict {
	switch {
	case Decide(v, a.AccountID, chat.Attribute) == Show:
		return Show
	case DecideAttribute(v, a.AccountID, a.Model, a.Key) == Hide, chat.TextHoldsAddress(a.Key):
		return Hide
	}
	return verdict(a.Value == nil || !a.Value.HoldsAddress())
}

// AttributeState is State for the value of an attribute.
func AttributeState(v *chat.Viewer, a *chat.CustomAttribute) chat.PIIState {
	switch {
	case a.Value == nil:
		return chat.Absent
	case Attribute(v, a) == Show:
		return chat.Visible
	default:
		return chat.Hidden
	}
}

// Attributes are attributes as the viewer may list them. Values are hidden by @pii one by one; a key that looks like an
// address is left out where attributes are hidden.
func Attributes(v *chat.Viewer, accountID int64, list []*chat.CustomAttribute) []*chat.CustomAttribute {
	if Decide(v, accountID, chat.Attribute) == Show {
		return list
	}
	kept := make([]*chat.CustomAttribute, 0, len(list))
	for _, a := range list {
		if !chat.TextHoldsAddress(a.Key) {
			kept = append(kept, a)
		}
	}
	return kept
}

// SameAttributes says that two viewers see values of the same custom attributes of an account.
func SameAttributes(a, b *chat.Viewer, accountID int64) bool {
	if Decide(a, accountID, chat.Attribute) == Show && Decide(b, accountID, chat.Attribute) == Show {
		return true
	}
	for _, from := range []*chat.Viewer{a, b} {
		account, ok := from.Account(accountID)
		if !ok {
			continue
		}
		for _, p := range account.Settings.Search.Attributes {
			if DecideAttribute(a, accountID, p.Model, p.Key) != DecideAttribute(b, accountID, p.Model, p.Key) {
				return false
			}
		}
	}
	return true
}
