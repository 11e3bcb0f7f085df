//! `-g`: makes what the homeserver and the bridge must agree on: tokens into the configuration, all of it into the
//! registration. The secret of the provisioning API is made with them.
//!
//! It may be run again after a change to the configuration: secrets that are there are kept, and so is the
//! registration's `sender_localpart`. A file that is not our own registration is never overwritten.

use std::io::ErrorKind;
use std::path::Path;

use super::{Exit, Fatal, doublepuppet, file, say, unusable};
use crate::base::Secret;
use crate::config::{AppService, Draft, Loaded, edit};
use crate::matrix::registration::Registration;

/// Writes the registration for the configuration in `config_path` to `registration_path`.
pub(super) fn register(config_path: &Path, registration_path: &Path) -> Result<(), Fatal> {
    let draft = Draft::open(config_path).and_then(Draft::for_registration);
    let Loaded { config, text } = draft.map_err(|error| unusable(config_path, &error))?;
    let sender = sender_localpart(registration_path, &config.appservice.id)?;
    let second = doublepuppet::Draft::of(&config, registration_path)?;
    let mut text_with_tokens = text.clone();
    let as_token = token("as_token", &config.appservice.as_token, &mut text_with_tokens)?;
    let hs_token = token("hs_token", &config.appservice.hs_token, &mut text_with_tokens)?;
    // Whoever does not mention the API gets no line about it.
    if config.provisioning.is_unmade() && edit::has(&text, "provisioning", "shared_secret") {
        make(("provisioning", "shared_secret"), &mut text_with_tokens)?;
    }
    let made = Registration::generate(&config.homeserver, &config.appservice, &as_token, &hs_token, &sender);
    let yaml = made.and_then(|registration| registration.to_yaml()).map_err(|error| {
        Fatal::new(Exit::ConfigInvalid, format!("no registration can be made of {}: {error}", config_path.display()))
    })?;
    let unwritable = |exit, path: &Path, why| Fatal::new(exit, format!("cannot write {}: {why}", path.display()));
    // Configuration first: if the second file fails, the next run finds the tokens and goes on from there.
    if text_with_tokens != text {
        file::replace(config_path, &text_with_tokens)
            .map_err(|why| unwritable(Exit::ConfigUnwritable, config_path, why))?;
    }
    file::replace(registration_path, &yaml)
        .map_err(|why| unwritable(Exit::RegistrationUnwritable, registration_path, why))?;
    let second = second.map(doublepuppet::Draft::write).transpose()?;
    let registration_path = registration_path.display();
    say(&format!(
        "{registration_path} is written. Name it in app_service_config_files of Synapse (it must be able to read it), \
         restart Synapse, then run `matrix-webqq -c {}`.",
        config_path.display()
    ))?;
    second.map_or(Ok(()), |second| say(&second))
}

/// The token `name`: the one that there is, else a new one, which is put into `text`.
fn token(name: &str, current: &Secret, text: &mut String) -> Result<Secret, Fatal> {
    if !AppService::is_unmade(current) {
        return Ok(current.clone());
    }
    make(("appservice", name), text)
}

/// A new secret, put into `text` at `place`.
fn make(place: (&str, &str), text: &mut String) -> Result<Secret, Fatal> {
    let new = Registration::random_token();
    *text =
        edit::set(text, place, new.expose()).map_err(|error| Fatal::new(Exit::ConfigUnwritable, error.to_string()))?;
    Ok(new)
}

/// The name that the registration in `path` has already, else a new one. Refuses a file that is not the registration
/// of the application service `id`.
fn sender_localpart(path: &Path, id: &str) -> Result<String, Fatal> {
    let refuse = |why: &str| {
        let name = path.display();
        Fatal::new(Exit::RegistrationUnwritable, format!("{name} exists and {why}; delete it or choose another -r"))
    };
    match std::fs::read_to_string(path) {
        Ok(yaml) => match Registration::from_yaml(&yaml) {
            Ok(old) if old.id() == id => Ok(old.sender_localpart().to_owned()),
            Ok(_) => Err(refuse("is the registration of another application service")),
            Err(_) => Err(refuse("is not a registration")),
        },
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(Registration::random_localpart()),
        Err(why) => Err(refuse(&format!("cannot be read ({why})"))),
    }
}
