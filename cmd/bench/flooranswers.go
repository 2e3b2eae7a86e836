package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The answers' parts. Members that every query leaves out are left out here too.
type (
	floorContact struct {
		ID          string  `json:"id"`
		Name        string  `json:"name"`
		Email       *string `json:"email"`
		PhoneNumber *string `json:"phoneNumber"`
	}
	floorUser struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	floorLastMessage struct {
		ID          string    `json:"id"`
		Content     *string   `json:"content"`
		MessageType string    `json:"messageType"`
		CreatedAt   time.Time `json:"createdAt"`
	}
	floorInboxRow struct {
		ID             string           `json:"id"`
		DisplayID      string           `json:"displayId"`
		Status         string           `json:"status"`
		Labels         []string         `json:"labels"`
		UnreadCount    int64            `json:"unreadCount"`
		LastActivityAt time.Time        `json:"lastActivityAt"`
		Contact        floorContact     `json:"contact"`
		Assignee       floorUser        `json:"assignee"`
		LastMessage    floorLastMessage `json:"lastMessage"`
	}
	floorSender struct {
		Type string `json:"__typename"`
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	floorMessage struct {
		ID          string       `json:"id"`
		Content     *string      `json:"content"`
		MessageType string       `json:"messageType"`
		Status      string       `json:"status"`
		CreatedAt   time.Time    `json:"createdAt"`
		Sender      *floorSender `json:"sender"`
	}
	floorAttribute struct {
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`
	}
	floorLatest struct {
		ID             string    `json:"id"`
		DisplayID      string    `json:"displayId"`
		Status         string    `json:"status"`
		LastActivityAt time.Time `json:"lastActivityAt"`
	}
	floorContactsRow struct {
		floorContact
		LastActivityAt   *time.Time         `json:"lastActivityAt"`
		CustomAttributes []floorAttribute   `json:"customAttributes"`
		Conversations    nodes[floorLatest] `json:"conversations"`
	}
	nodes[T any] struct {
		Nodes []T `json:"nodes"`
	}
	page[T, P any] struct {
		Nodes    []T `json:"nodes"`
		PageInfo P   `json:"pageInfo"`
	}
	floorNext struct {
		HasNextPage bool    `json:"hasNextPage"`
		EndCursor   *string `json:"endCursor"`
	}
	floorPrevious struct {
		HasPreviousPage bool `json:"hasPreviousPage"`
	}
)

var (
	statuses        = []string{"OPEN", "RESOLVED", "PENDING", "SNOOZED"}
	messageTypes    = []string{"INCOMING", "OUTGOING", "ACTIVITY", "TEMPLATE"}
	messageStatuses = []string{"SENT", "DELIVERED", "READ", "FAILED"}
)

func formatID(id int64) string { return strconv.FormatInt(id, 10) }

func splitLabels(cached string) []string {
	if cached == "" {
		return []string{}
	}
	return strings.Split(cached, ", ")
}

// attributes lists an object's members by key; texts, numbers and booleans are all the data has.
func attributes(object *string) ([]floorAttribute, error) {
	if object == nil {
		return []floorAttribute{}, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(*object), &members); err != nil {
		return nil, err
	}
	list := make([]floorAttribute, 0, len(members))
	for key, value := range members {
		list = append(list, floorAttribute{key, value})
	}
	slices.SortFunc(list, func(a, b floorAttribute) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}
