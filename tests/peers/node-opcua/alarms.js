// A tank with an alarm of node-opcua's own: active while its level is above 0.8 (high) or 0.9
// (high high). Its nodes are `s=Tank`, a notifier, and `s=Tank.Level`; the condition is
// `s=Tank.LevelCondition`.

"use strict";

const { DataType } = require("node-opcua-variant");

function addTank(space, namespace) {
  space.installAlarmsAndConditionsService();
  const tank = namespace.addObject({
    browseName: "Tank",
    nodeId: "s=Tank",
    eventNotifier: 1,
    notifierOf: space.rootFolder.objects.server,
    organizedBy: space.rootFolder.objects,
  });
  const level = namespace.addVariable({
    browseName: "Level",
    nodeId: "s=Tank.Level",
    componentOf: tank,
    dataType: "Double",
    eventSourceOf: tank,
    value: { dataType: DataType.Double, value: 0.5 },
  });
  namespace.instantiateExclusiveLimitAlarm("ExclusiveLimitAlarmType", {
    browseName: "LevelCondition",
    nodeId: "s=Tank.LevelCondition",
    componentOf: tank,
    conditionName: "TankLevel",
    conditionSource: level,
    inputNode: level,
    highHighLimit: 0.9,
    highLimit: 0.8,
    lowLimit: 0.2,
    lowLowLimit: 0.1,
  });
  return level;
}

module.exports = { addTank };
