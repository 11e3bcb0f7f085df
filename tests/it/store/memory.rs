//! Portals, ghosts, members, logins, notes, messages, people.

use super::*;

on_every_database! {
    a_chat_has_one_portal
    a_room_has_one_portal
    a_portal_can_lose_its_room
    a_contact_has_one_ghost
    a_chat_looks_as_what_is_known_of_it_says
    a_room_knows_its_members
    a_login_is_saved_and_its_session_forgotten
    the_newest_lifetimes_of_an_account_are_kept
    since_moves_only_when_the_state_changes
    a_row_that_is_not_there_cannot_be_changed
    notes_are_replaced_by_key
    a_message_is_found_by_key_and_by_event
    a_person_has_a_control_room_and_a_language
    single_values_are_kept
}

async fn a_chat_has_one_portal(place: &Place) {
    let store = place.open().await;
    let ensure = |name: &'static str| write!(store, tx => tx.ensure_portal("10001", "friend:1", "friend", name, Some("c:1")).await);
    let made = ensure("Ann").await.unwrap();
    assert_eq!((made.state, made.room_id.as_deref(), made.peer.as_deref()), (PortalState::None, None, Some("c:1")));
    assert_eq!((made.kind.as_str(), made.created_at_ms), ("friend", NOON));
    assert_eq!(ensure("Bob").await.unwrap(), made, "an existing portal is left as it is");
    let id = made.id;
    write!(store, tx => tx.set_portal_name(id, "Bob").await).await.unwrap();
    let other = write!(store, tx => tx.ensure_portal("10002", "friend:1", "friend", "Ann", None).await);
    assert_ne!(other.await.unwrap().id, id, "another login sees another chat");
    let found = read!(store, tx => tx.portal_by_chat("10001", "friend:1").await).await.unwrap().unwrap();
    assert_eq!(found.name, "Bob");
    assert_eq!(read!(store, tx => tx.portal(id).await).await.unwrap(), Some(found.clone()));
    assert_eq!(read!(store, tx => tx.portals("10001").await).await.unwrap(), [found]);
}

async fn a_room_has_one_portal(place: &Place) {
    let store = place.open().await;
    let made = write!(store, tx => {
        let one = tx.ensure_portal("10001", "friend:1", "friend", "a", None).await?;
        let other = tx.ensure_portal("10001", "friend:2", "friend", "b", None).await?;
        tx.set_portal_state(one.id, PortalState::Creating).await?;
        tx.set_portal_room(one.id, "!a").await?;
        Ok((one.id, other.id))
    });
    let (one, other) = made.await.unwrap();
    let found = read!(store, tx => tx.portal_by_room("!a").await).await.unwrap().unwrap();
    assert_eq!((found.id, found.state), (one, PortalState::Ready));
    let theft = write!(store, tx => tx.set_portal_room(other, "!a").await);
    assert!(matches!(theft.await, Err(Error::Refused { .. })));
    assert_eq!(read!(store, tx => tx.portal_by_room("!b").await).await.unwrap(), None);
}

async fn a_portal_can_lose_its_room(place: &Place) {
    let store = place.open().await;
    let lost = write!(store, tx => {
        let id = tx.ensure_portal("10001", "friend:1", "friend", "a", None).await?.id;
        tx.set_portal_room(id, "!a").await?;
        tx.set_portal_state(id, PortalState::None).await?;
        tx.portal(id).await
    });
    let lost = lost.await.unwrap().unwrap();
    assert_eq!((lost.state, lost.room_id), (PortalState::None, None));
}

async fn a_contact_has_one_ghost(place: &Place) {
    let store = place.open().await;
    let ensure = |name: &'static str| write!(store, tx => tx.ensure_ghost("c:1", "@qq_1:x", name).await);
    let made = ensure("Ann").await.unwrap();
    assert_eq!((made.registered, made.shown_name.as_deref()), (false, None));
    assert_eq!(ensure("Bob").await.unwrap(), made);
    let change = write!(store, tx => {
        tx.set_ghost_registered("c:1").await?;
        tx.set_ghost_name("c:1", "Bob").await?;
        tx.set_ghost_shown_name("c:1", "Bob (QQ)").await
    });
    change.await.unwrap();
    let ghost = read!(store, tx => tx.ghost("c:1").await).await.unwrap().unwrap();
    assert_eq!((ghost.registered, ghost.name.as_str()), (true, "Bob"));
    assert_eq!(ghost.shown_name.as_deref(), Some("Bob (QQ)"));
    let theft = write!(store, tx => tx.ensure_ghost("c:2", "@qq_1:x", "Eve").await);
    assert!(matches!(theft.await, Err(Error::Refused { .. })));
    assert_eq!(read!(store, tx => tx.ghost("c:2").await).await.unwrap(), None);
}

async fn a_chat_looks_as_what_is_known_of_it_says(place: &Place) {
    let store = place.open().await;
    let made = write!(store, tx => {
        let friend = tx.ensure_portal("10001", "friend:1", "friend", "Ann", Some("c:1")).await?.id;
        let group = tx.ensure_portal("10001", "group:1", "group", "Family", None).await?.id;
        tx.ensure_portal("10002", "friend:1", "friend", "Ann", Some("c:1")).await?;
        tx.ensure_ghost("c:1", "@qq_1:x", "Ann").await?;
        tx.put_picture("hash", "mxc://x/1").await?;
        for (subject, hash) in [(format!("room {group}"), "hash"), (format!("room {friend}"), "not there yet")] {
            tx.put_portrait(&PortraitRow { subject, hash: hash.into(), looked_at_ms: NOON }).await?;
        }
        Ok((friend, group))
    });
    let (friend, group) = made.await.unwrap();
    let looks = |only: Option<i64>| read!(store, tx => tx.looks("10001", only, "room ").await);
    let of_friend = LookRow { portal: friend, nick: Some("Ann".into()), picture: None };
    let of_group = LookRow { portal: group, nick: None, picture: Some("mxc://x/1".into()) };
    assert_eq!(looks(Some(friend)).await.unwrap(), std::slice::from_ref(&of_friend));
    assert_eq!(looks(None).await.unwrap(), [of_friend, of_group]);
}

async fn a_room_knows_its_members(place: &Place) {
    let store = place.open().await;
    let change = write!(store, tx => {
        for user in ["@b:x", "@B:x", "@a:x", "@b:x"] {
            tx.add_member("!a", user).await?;
        }
        tx.add_member("!b", "@c:x").await?;
        tx.remove_member("!a", "@a:x").await?;
        tx.remove_member("!a", "@nobody:x").await
    });
    change.await.unwrap();
    assert_eq!(read!(store, tx => tx.members("!a").await).await.unwrap(), ["@B:x", "@b:x"]);
    let asked = read!(store, tx => Ok((tx.is_member("!a", "@b:x").await?, tx.is_member("!a", "@c:x").await?)));
    assert_eq!(asked.await.unwrap(), (true, false));
}

fn login(account: &str, owner: &str) -> LoginRow {
    LoginRow {
        account: account.to_owned(),
        owner: owner.to_owned(),
        nick: "Ann".to_owned(),
        state: LoginState::Connected,
        epoch: "1".to_owned(),
        session: Some(Secret::new("ptwebqq")),
        notice: None,
        since_ms: NOON,
    }
}

async fn a_login_is_saved_and_its_session_forgotten(place: &Place) {
    let store = place.open().await;
    let save = write!(store, tx => {
        for login in [login("2", "@a:x"), login("1", "@a:x"), login("3", "@b:x"), login("3", "@b:x")] {
            tx.save_login(&login).await?;
        }
        tx.set_login_session("1", "2", &Secret::new("renewed")).await?;
        tx.forget_session("2").await
    });
    save.await.unwrap();
    let all = read!(store, tx => tx.logins().await).await.unwrap();
    assert_eq!(all.iter().map(|login| login.account.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!((all[0].epoch.as_str(), all[0].session.as_ref().unwrap().expose()), ("2", "renewed"));
    assert_eq!(all[1].session, None);
    assert_eq!(all[2], login("3", "@b:x"));
    assert_eq!(read!(store, tx => tx.logins_of("@a:x").await).await.unwrap(), all[..2]);
    assert_eq!(read!(store, tx => tx.login("4").await).await.unwrap(), None);
    assert!(!format!("{all:?}").contains("renewed"), "a session is never printed");
}

async fn the_newest_lifetimes_of_an_account_are_kept(place: &Place) {
    let store = place.open().await;
    for lasted_ms in 0..25 {
        place.clock.set(NOON + lasted_ms);
        write!(store, tx => tx.add_lifetime("1", lasted_ms).await).await.unwrap();
    }
    write!(store, tx => tx.add_lifetime("2", 7).await).await.unwrap();
    let kept = read!(store, tx => Ok((tx.lifetimes("1").await?, tx.lifetimes("2").await?))).await.unwrap();
    assert_eq!(kept, ((5..25).collect(), vec![7]));
}

async fn since_moves_only_when_the_state_changes(place: &Place) {
    let store = place.open().await;
    write!(store, tx => tx.save_login(&login("1", "@a:x")).await).await.unwrap();
    place.clock.set(NOON + 5);
    for (state, since_ms) in [(LoginState::Connected, NOON), (LoginState::Lost, NOON + 5), (LoginState::Lost, NOON + 5)]
    {
        write!(store, tx => tx.set_login_state("1", state).await).await.unwrap();
        let now = read!(store, tx => tx.login("1").await).await.unwrap().unwrap();
        assert_eq!((now.state, now.since_ms), (state, since_ms));
    }
}

async fn a_row_that_is_not_there_cannot_be_changed(place: &Place) {
    let store = place.open().await;
    let ghost = write!(store, tx => tx.set_ghost_registered("c:404").await);
    assert_eq!(ghost.await.unwrap_err(), Error::Missing { table: "ghost", row: "c:404".to_owned() });
    let login = write!(store, tx => tx.set_login_state("404", LoginState::Lost).await);
    assert_eq!(login.await.unwrap_err(), Error::Missing { table: "login", row: "404".to_owned() });
    let outbox = write!(store, tx => tx.mark_sent(404, None).await);
    assert_eq!(outbox.await.unwrap_err(), Error::Missing { table: "outbox", row: "404".to_owned() });
}

async fn notes_are_replaced_by_key(place: &Place) {
    let store = place.open().await;
    let note = |key: &str, body: &str| NoteRow { key: key.to_owned(), body: body.to_owned() };
    let (first, second) = ([note("b", "1"), note("a", "1"), note("B", "1")], [note("a", "2"), note("a", "3")]);
    let put = write!(store, tx => {
        tx.put_notes("10001", &first).await?;
        tx.put_notes("10001", &second).await?;
        tx.put_notes("10002", &first).await
    });
    put.await.unwrap();
    let notes = read!(store, tx => tx.notes("10001").await).await.unwrap();
    assert_eq!(notes, [note("B", "1"), note("a", "3"), note("b", "1")]);
}

async fn a_message_is_found_by_key_and_by_event(place: &Place) {
    let store = place.open().await;
    let part = |part, event_id: &str| MessageRow {
        login: "10001".to_owned(),
        message_key: "k".to_owned(),
        part,
        room_id: "!a".to_owned(),
        event_id: event_id.to_owned(),
    };
    let rows = [part(1, "$old"), part(0, "$a"), part(1, "$b")];
    let add = write!(store, tx => {
        for row in &rows {
            tx.add_message(row).await?;
        }
        Ok(())
    });
    add.await.unwrap();
    assert_eq!(read!(store, tx => tx.messages("10001", "k").await).await.unwrap(), [part(0, "$a"), part(1, "$b")]);
    assert_eq!(read!(store, tx => tx.message_by_event("$b").await).await.unwrap(), Some(part(1, "$b")));
    assert_eq!(read!(store, tx => tx.message_by_event("$old").await).await.unwrap(), None);
}

async fn a_person_has_a_control_room_and_a_language(place: &Place) {
    let store = place.open().await;
    let set = write!(store, tx => {
        tx.set_language("@a:x", "zh").await?;
        tx.set_control_room("@a:x", "!old").await?;
        tx.set_control_room("@a:x", "!new").await
    });
    set.await.unwrap();
    let user = read!(store, tx => tx.user_by_control_room("!new").await).await.unwrap().unwrap();
    assert_eq!((user.mxid.as_str(), user.language.as_deref()), ("@a:x", Some("zh")));
    assert_eq!(read!(store, tx => tx.user("@a:x").await).await.unwrap(), Some(user));
    assert_eq!(read!(store, tx => tx.user_by_control_room("!old").await).await.unwrap(), None);
}

async fn single_values_are_kept(place: &Place) {
    let store = place.open().await;
    assert_eq!(read!(store, tx => tx.meta("colour").await).await.unwrap(), None);
    for value in ["red", "blue"] {
        write!(store, tx => tx.set_meta("colour", value).await).await.unwrap();
        assert_eq!(read!(store, tx => tx.meta("colour").await).await.unwrap().as_deref(), Some(value));
    }
}
