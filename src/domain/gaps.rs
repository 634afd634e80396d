//! The fields of a record that could not be read.
//!
//! The platform's records are read field by field, so that one unexpected field never hides the others. Everything that was read
//! is evaluated. If a field has a gap, nothing may be concluded from a value that is missing in it.

use super::Timestamp;

/// How a field of a record differs from the platform's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Some elements of a list could not be read. The field contains the others.
    Partial,
    /// Nothing could be read, and no earlier value is known. The field is empty.
    Unread,
    /// Nothing could be read. The field contains the last known value, which was read at this time.
    LastKnown(Timestamp),
}

impl Gap {
    /// Whether a last known value is evaluated instead of the value that could not be read.
    pub const fn is_last_known(self) -> bool {
        matches!(self, Self::LastKnown(_))
    }
}

/// The gaps of one record, at most one for each field. Most records have no gaps, and then this allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gaps<F>(Vec<(F, Gap)>);

impl<F: Copy + Ord> Gaps<F> {
    /// Whether the record was read in full.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The gap of a field; `None` if the field was read in full.
    pub fn of(&self, field: F) -> Option<Gap> {
        self.0.iter().find(|(of, _)| *of == field).map(|(_, gap)| *gap)
    }

    /// Every field with a gap, in the order of the fields.
    pub fn iter(&self) -> impl Iterator<Item = (F, Gap)> {
        self.0.iter().copied()
    }

    /// Records the gap of a field, and replaces an earlier gap of the same field.
    pub fn insert(&mut self, field: F, gap: Gap) {
        self.0.retain(|(of, _)| *of != field);
        self.0.push((field, gap));
        self.0.sort_unstable();
    }

    /// Marks every unread field as filled with its last known value, and returns the fields that the caller must fill.
    ///
    /// `last` contains the gaps of the last known record, which was read at `read_at`. A value that was already a last known value
    /// keeps its age. A field that was unread in the last known record stays unread. If a list was partial there, its known part
    /// is used.
    pub(super) fn fill(&mut self, last: &Self, read_at: Timestamp) -> Vec<F> {
        let mut filled = Vec::new();
        for (field, gap) in self.0.iter_mut().filter(|(_, gap)| *gap == Gap::Unread) {
            *gap = match last.of(*field) {
                Some(Gap::Unread) => continue,
                Some(Gap::LastKnown(earlier)) => Gap::LastKnown(earlier),
                Some(Gap::Partial) | None => Gap::LastKnown(read_at),
            };
            filled.push(*field);
        }
        filled
    }
}

impl<F> Default for Gaps<F> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<F: Copy + Ord> FromIterator<(F, Gap)> for Gaps<F> {
    fn from_iter<I: IntoIterator<Item = (F, Gap)>>(gaps: I) -> Self {
        let mut all = Self::default();
        for (field, gap) in gaps {
            all.insert(field, gap);
        }
        all
    }
}

macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident = $label:literal, $words:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$field_doc])* $field,)+
        }

        impl $name {
            /// Every field that can have a gap.
            pub const ALL: &[Self] = &[$(Self::$field,)+];

            /// The stable name in evidence keys and in the state file.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$field => $label,)+
                }
            }

            /// The name in sentences. It can be singular or plural, so the verb after it must fit both.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$field => $words,)+
                }
            }

            /// The field with this label; `None` if there is none.
            pub fn from_label(label: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|field| field.label() == label)
            }
        }
    };
}

fields! {
    /// The fields of a client's record, except the id: a record without an id is refused.
    ClientField {
        /// [`super::Client::name`].
        Name = "name", "name";
        /// [`super::Client::description`].
        Description = "description", "description";
        /// [`super::Client::grant_type`].
        GrantType = "grant_type", "grant type";
        /// [`super::Client::state`].
        State = "state", "state";
        /// [`super::Client::scopes`].
        Scopes = "scopes", "scopes";
        /// [`super::Client::role_grants`].
        Roles = "roles", "roles and divisions";
        /// [`super::Client::redirect_uris`].
        RedirectUris = "redirect_uris", "redirect URIs";
        /// [`super::Client::token_validity`].
        TokenValidity = "token_validity", "token validity";
        /// [`super::Client::created`].
        Created = "created", "creation date";
        /// [`super::Client::modified`].
        Modified = "modified", "modification date";
        /// [`super::Client::created_by`].
        CreatedBy = "created_by", "creator";
        /// [`super::Client::modified_by`].
        ModifiedBy = "modified_by", "last editor";
        /// [`super::Client::deletion`].
        Deletion = "deletion", "deletion date";
    }
}

fields! {
    /// The fields of a role's record, except the id: a record without an id is refused.
    RoleField {
        /// [`super::Role::name`].
        Name = "name", "name";
        /// [`super::Role::default_role`] and [`super::Role::is_default`].
        Default = "default", "mark as a default role";
        /// [`super::Role::general`] and [`super::Role::permissions`].
        Contents = "contents", "permissions";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unread_fields_are_filled_and_each_keeps_its_age() {
        use ClientField::{Name, Roles, Scopes, State};
        let (now, earlier) = (Timestamp::from_seconds(200), Timestamp::from_seconds(100));
        let last: Gaps<_> = [(Roles, Gap::LastKnown(earlier)), (State, Gap::Unread)].into_iter().collect();
        let mut gaps: Gaps<_> =
            [(State, Gap::Unread), (Scopes, Gap::Unread), (Name, Gap::Partial), (Roles, Gap::Unread)]
                .into_iter()
                .collect();
        assert_eq!(gaps.fill(&last, now), [Scopes, Roles]);
        let expected = [
            (Name, Gap::Partial),
            (State, Gap::Unread),
            (Scopes, Gap::LastKnown(now)),
            (Roles, Gap::LastKnown(earlier)),
        ];
        assert_eq!(gaps.iter().collect::<Vec<_>>(), expected);
        assert_eq!(gaps.fill(&last, now), [], "a second time changes nothing");
    }

    #[test]
    fn each_field_is_found_by_its_label() {
        for field in ClientField::ALL {
            assert_eq!(ClientField::from_label(field.label()), Some(*field));
        }
        assert_eq!(RoleField::from_label("contents"), Some(RoleField::Contents));
        assert_eq!(RoleField::from_label("scopes"), None);
    }
}
