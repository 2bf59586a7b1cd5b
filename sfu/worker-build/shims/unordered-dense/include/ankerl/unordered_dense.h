// The part of ankerl::unordered_dense that mediasoup-worker uses, on the standard library's containers.
// Those promise more (stable references) and iterate more slowly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>

namespace ankerl::unordered_dense
{
template<typename Key, typename = void>
struct hash : std::hash<Key>
{
};

// std::hash is the identity for integers, but mediasoup combines and truncates what comes back: mix the bits as
// splitmix64 does (Steele, Lea and Flood 2014).
template<typename Key>
struct hash<Key, std::enable_if_t<std::is_integral_v<Key> || std::is_enum_v<Key>>>
{
	using is_avalanching = void;

	std::size_t operator()(Key key) const noexcept
	{
		std::uint64_t z = static_cast<std::uint64_t>(key) + 0x9e3779b97f4a7c15u;
		z               = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z               = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		return static_cast<std::size_t>(z ^ (z >> 31));
	}
};

template<typename Key, typename Value, typename Hash = hash<Key>, typename Equal = std::equal_to<Key>>
using map = std::unordered_map<Key, Value, Hash, Equal>;

template<typename Key, typename Hash = hash<Key>, typename Equal = std::equal_to<Key>>
using set = std::unordered_set<Key, Hash, Equal>;
} // namespace ankerl::unordered_dense
