//! A filter of system calls: what reaches into other processes, the kernel or namespaces is refused.

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Compare, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};
use std::collections::BTreeMap;

/// Calls that no program of a build or a test needs.
const REFUSED: &[i64] = &[
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    // Namespaces and mounts.
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // The kernel.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_fanotify_init,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
    libc::SYS_vhangup,
    // Keys, time, names, and files by handles that pass mounts by.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_settimeofday,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_open_by_handle_at,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ustat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS__sysctl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_sysfs,
];

/// Calls that are answered as if the kernel did not have them, so that programs take another way.
const ABSENT: &[i64] =
    &[libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// Flags of `clone` that make namespaces.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// The families of sockets that programs use.
const FAMILIES: [libc::c_int; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
/// The kinds of sockets of the internet families besides raw ones that are not TCP.
const NOT_STREAMS: [libc::c_int; 5] =
    [libc::SOCK_DGRAM, libc::SOCK_RDM, libc::SOCK_SEQPACKET, libc::SOCK_DCCP, SOCK_PACKET];
/// The old way to ask for packets of the link layer.
const SOCK_PACKET: libc::c_int = 10;
/// Terminal requests that type into a terminal.
const TERMINAL_INPUT: [u64; 2] = [0x5412, 0x541c];
/// The bit that system call numbers of the x32 interface have set.
const X32: i64 = 0x4000_0000;

/// The reason why a filter could not be made or put in force.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilterError {
    #[error("the system call filter cannot be made")]
    Make(#[from] seccompiler::BackendError),
    #[error("the system call filter cannot be put in force")]
    Apply(#[from] seccompiler::Error),
}

/// Which sockets programs may make, besides raw ones, which they never may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sockets {
    All,
    /// Those of one machine, and TCP: Landlock restricts TCP alone, and by its usual way of connecting.
    Streams,
    /// Those of one machine.
    Local,
}

/// Restricts the calling process and what it starts.
pub(crate) fn restrict(allowed: Sockets) -> Result<(), FilterError> {
    let absent = ABSENT.iter().flat_map(|call| both(*call)).map(|call| (call, Vec::new())).collect();
    apply(absent, libc::ENOSYS)?;
    apply(refused(allowed)?, libc::EPERM)
}

fn apply(rules: BTreeMap<i64, Vec<SeccompRule>>, error: libc::c_int) -> Result<(), FilterError> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let error = SeccompAction::Errno(error.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, error, arch)?;
    let program = BpfProgram::try_from(filter)?;
    Ok(seccompiler::apply_filter(&program)?)
}

fn refused(allowed: Sockets) -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for call in REFUSED.iter().flat_map(|call| both(*call)) {
        rules.insert(call, Vec::new());
    }
    // The flag of a namespace that is not the only one would slip through a comparison for equality.
    let namespaces = NAMESPACES.iter().map(|flag| {
        let flag = u64::from(flag.unsigned_abs());
        rule([condition(0, Width::Qword, Compare::MaskedEq(flag), flag)?])
    });
    insert(&mut rules, libc::SYS_clone, &namespaces.collect::<Result<Vec<_>, _>>()?);
    let terminal =
        TERMINAL_INPUT.iter().map(|request| rule([condition(1, Width::Dword, Compare::Eq, *request)?]));
    insert(&mut rules, libc::SYS_ioctl, &terminal.collect::<Result<Vec<_>, _>>()?);
    // Another personality weakens the protection of memory; asking for the present one is common.
    let weaker =
        [condition(0, Width::Dword, Compare::Ne, 0)?, condition(0, Width::Dword, Compare::Ne, 0xffff_ffff)?];
    insert(&mut rules, libc::SYS_personality, &[rule(weaker)?]);
    insert(&mut rules, libc::SYS_socket, &sockets(allowed)?);
    if allowed == Sockets::Streams {
        // Data that is sent with the first packet connects without a call of `connect`.
        let fast_open = u64::from(libc::MSG_FASTOPEN.unsigned_abs());
        for (call, flags) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
            let connects = condition(flags, Width::Dword, Compare::MaskedEq(fast_open), fast_open)?;
            insert(&mut rules, call, &[rule([connects])?]);
        }
    }
    let others = FAMILIES.iter().filter(|family| **family == libc::AF_UNIX);
    let pairs =
        others.map(|family| condition(0, Width::Dword, Compare::Ne, u64::from(family.unsigned_abs())));
    insert(&mut rules, libc::SYS_socketpair, &[rule(pairs.collect::<Result<Vec<_>, _>>()?)?]);
    Ok(rules)
}

/// Returns which sockets are refused: unknown families, raw ones, and netlink beyond the list of addresses.
fn sockets(allowed: Sockets) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let families = FAMILIES.iter().filter(|family| allowed != Sockets::Local || **family == libc::AF_UNIX);
    let unknown =
        families.map(|family| condition(0, Width::Dword, Compare::Ne, u64::from(family.unsigned_abs())));
    let mut rules = vec![rule(unknown.collect::<Result<Vec<_>, _>>()?)?];
    for family in [libc::AF_INET, libc::AF_INET6] {
        let family = u64::from(family.unsigned_abs());
        let raw = u64::from(libc::SOCK_RAW.unsigned_abs());
        rules.push(rule([
            condition(0, Width::Dword, Compare::Eq, family)?,
            condition(1, Width::Dword, Compare::MaskedEq(0xf), raw)?,
        ])?);
        if allowed == Sockets::Streams {
            let is_family = || condition(0, Width::Dword, Compare::Eq, family);
            for kind in NOT_STREAMS {
                let kind = u64::from(kind.unsigned_abs());
                rules.push(rule([is_family()?, condition(1, Width::Dword, Compare::MaskedEq(0xf), kind)?])?);
            }
            let tcp = u64::from(libc::IPPROTO_TCP.unsigned_abs());
            rules.push(rule([
                is_family()?,
                condition(2, Width::Dword, Compare::Ne, 0)?,
                condition(2, Width::Dword, Compare::Ne, tcp)?,
            ])?);
        }
    }
    let netlink = u64::from(libc::AF_NETLINK.unsigned_abs());
    rules.push(rule([
        condition(0, Width::Dword, Compare::Eq, netlink)?,
        condition(2, Width::Dword, Compare::Ne, u64::from(libc::NETLINK_ROUTE.unsigned_abs()))?,
    ])?);
    Ok(rules)
}

fn insert(rules: &mut BTreeMap<i64, Vec<SeccompRule>>, call: i64, refused: &[SeccompRule]) {
    for call in both(call) {
        rules.insert(call, refused.to_vec());
    }
}

/// Returns a call by its number and, where the machine has it, by its number in the x32 interface.
fn both(call: i64) -> impl Iterator<Item = i64> {
    let x32 = cfg!(target_arch = "x86_64").then_some(call | X32);
    std::iter::once(call).chain(x32)
}

fn condition(
    argument: u8,
    width: Width,
    compare: Compare,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, width, compare, value)
}

fn rule(
    conditions: impl IntoIterator<Item = SeccompCondition>,
) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(conditions.into_iter().collect())
}
