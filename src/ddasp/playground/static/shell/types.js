// @ts-check
// The words of the page: what server and page say to each other, as types only.
//
// Nothing runs here. Settings travel under their names in the address (`learningRate`); layer 0 is
// the inputs; sets are 0 train, 1 validation, 2 test; losses are data losses without penalties.

/**
 * @typedef {Record<string, any>} Settings  every setting under its key in the address
 *
 * @typedef {object} Control  one setting: how it is called, what it may be
 * @property {string} key
 * @property {"choice"|"number"|"whole"|"switch"|"numbers"|"names"|"text"|"speed"} kind
 * @property {string} label
 * @property {string} help  one sentence on what it does
 * @property {string} group
 * @property {string} effect  what a change asks for; `Schema.effects` says it in words
 * @property {any} default
 * @property {number} [low]
 * @property {number} [high]
 * @property {number} [step]
 * @property {any[]} [menu]  values that a menu offers; others are allowed
 * @property {number} [most]
 * @property {{value: string, words: string}[]} [choices]
 * @property {Record<string, string[]>} [when]  of use only while these settings have one of these values
 *
 * @typedef {object} Schema
 * @property {{key: string, title: string}[]} groups
 * @property {Record<string, string>} effects
 * @property {Control[]} controls
 *
 * @typedef {{key: string, title: string, kind?: string}} Source
 *
 * @typedef {object} Hello
 * @property {string} session
 * @property {string} version
 * @property {Schema} schema
 * @property {Source[]} sources
 * @property {any[]} missions
 *
 * @typedef {object} Spec
 * @property {number[]} widths  units of layers 0..L
 * @property {string[]} activations  of layers 1..L
 * @property {string} loss
 * @property {number} n_parameters
 *
 * @typedef {{key: string, name: string, formula: string, on: boolean}} Input
 * @typedef {{name: string, low: number, high: number}} Axis
 * @typedef {{kind: "plane"|"line", axes: Axis[], [more: string]: any}} View
 *
 * @typedef {object} SettingsMessage
 * @property {Settings} settings
 * @property {Spec} spec
 * @property {Input[]} inputs
 * @property {View} view
 * @property {number} generation
 *
 * @typedef {object} PointsOfData
 * @property {number[][]} x  points on the plane of the map
 * @property {number[][]} coordinates
 * @property {number[]} y
 * @property {number[]} sets
 * @property {string[]} classes
 * @property {"classification"|"regression"} kind
 * @property {(string|null)[]} [sounds]
 * @property {string[]} [groups]
 * @property {string} title
 * @property {boolean} own
 *
 * @typedef {{points: PointsOfData, generation: number}} DataMessage
 *
 * @typedef {object} Status
 * @property {boolean} running
 * @property {string} reason  "" or why it stands still: "stop-epoch" "stop-loss" "patience" "diverged"
 * @property {string} message  the same in words
 * @property {boolean} can_back
 *
 * @typedef {Record<string, any>} Stats
 * @typedef {Record<string, any>} History
 *
 * @typedef {{layer: number, unit: number}} Unit
 * @typedef {Unit|{sample: number}|null} Selection
 *
 * @typedef {"connecting"|"open"|"lost"|"elsewhere"|"no-token"|"refused"} Connection
 */

export {};
