//! Several roles at once.

use signoff_workflow::Role;

/// A set of roles: small, and quickly compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl Roles {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Whether a role is among them.
    pub fn contains(self, role: Role) -> bool {
        self.0 & bit(role) != 0
    }

    /// Those that are among them.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }

    /// The same, as a list.
    pub fn to_vec(self) -> Vec<Role> {
        self.iter().collect()
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |set, role| set | bit(role)))
    }
}

fn bit(role: Role) -> u8 {
    let at = Role::ALL.iter().position(|known| *known == role).unwrap_or_default();
    1_u8.wrapping_shl(u32::try_from(at).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        assert_eq!(Roles::NONE.to_vec(), []);
        for role in Role::ALL {
            let one: Roles = [role].into_iter().collect();
            assert_eq!(one.to_vec(), [role]);
        }
        let all: Roles = Role::ALL.into_iter().collect();
        assert_eq!(all.to_vec(), Role::ALL);
    }

    #[test]
    fn a_role_that_is_given_twice_is_held_once() {
        let twice = [Role::Tester, Role::Admin, Role::Tester];
        let roles: Roles = twice.into_iter().collect();
        assert!(roles.contains(Role::Tester));
        assert_eq!(roles, [Role::Tester, Role::Admin].into_iter().collect());
    }
}
